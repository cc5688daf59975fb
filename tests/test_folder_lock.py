from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from fbinpaint_mm.folder_lock import LOCK_FILE, locked_folder
from fbinpaint_mm.user_error import UserError

HOLD = """
import sys, time
from pathlib import Path
from fbinpaint_mm.folder_lock import locked_folder
with locked_folder(Path(sys.argv[1])):
    print('held', flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has the folder."""
    process = subprocess.Popen(
        [sys.executable, '-c', HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == 'held\n'
    yield process
    process.kill()
    process.communicate()


def test_a_held_folder_is_refused_with_its_holder(tmp_path, holder):
    holding = f'process {holder.pid} on host {socket.gethostname()}'
    refused = pytest.raises(UserError, match=f'{tmp_path}.* is in use by {holding}: ')
    with refused, locked_folder(tmp_path):
        pass
    assert (tmp_path / LOCK_FILE).read_text() == f'{holding}\n', 'the refused one changes nothing'


def test_the_lock_of_a_killed_process_is_stale(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert str(holder.pid) in (tmp_path / LOCK_FILE).read_text()
    with locked_folder(tmp_path):
        assert f'process {os.getpid()} ' in (tmp_path / LOCK_FILE).read_text()
    assert list(tmp_path.iterdir()) == []


def hold_with_a_worker(folder, pid_of_worker):
    with locked_folder(folder):
        worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))
        worker.start()
        pid_of_worker.put(worker.pid)
        time.sleep(60)


def test_a_worker_that_outlives_its_killed_parent_does_not_hold_the_folder(tmp_path):
    context = multiprocessing.get_context('fork')
    pid_of_worker = context.Queue()
    parent = context.Process(target=hold_with_a_worker, args=(tmp_path, pid_of_worker))
    parent.start()
    worker = pid_of_worker.get(timeout=30)
    parent.kill()
    parent.join()
    try:
        with locked_folder(tmp_path):
            os.kill(worker, 0)  # it is still there
    finally:
        os.kill(worker, signal.SIGKILL)


def test_it_is_given_back_after_an_error_too(tmp_path):
    with pytest.raises(KeyboardInterrupt), locked_folder(tmp_path / 'deep' / 'run'):
        raise KeyboardInterrupt
    assert list((tmp_path / 'deep' / 'run').iterdir()) == []


def test_a_link_in_its_place_is_not_written_through(tmp_path):
    thesis = tmp_path / 'thesis.txt'
    thesis.write_text('years')
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / LOCK_FILE).symlink_to(thesis)
    with pytest.raises(OSError, match=LOCK_FILE), locked_folder(tmp_path / 'run'):
        pass
    assert thesis.read_text() == 'years'
