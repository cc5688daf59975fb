from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import time

import pytest

from fbinpaint_mm.folder_lock import LOCK_FILE, locked_folder
from fbinpaint_mm.user_error import UserError

FORK = multiprocessing.get_context('fork')  # a new interpreter would import torch first


def hold(folder, pids):
    """Holds the folder, with a worker as those of a DataLoader, until it is killed."""
    with locked_folder(folder):
        worker = FORK.Process(target=time.sleep, args=(60,))
        worker.start()
        pids.put(worker.pid)
        time.sleep(60)


@pytest.fixture
def holder(tmp_path):
    """Another process that has the folder; ``worker`` is the process that it has started."""
    pids = FORK.SimpleQueue()
    process = FORK.Process(target=hold, args=(tmp_path, pids))
    process.start()
    process.worker = pids.get()
    yield process
    process.kill()
    process.join()
    os.kill(process.worker, signal.SIGKILL)


def test_a_held_folder_is_refused_with_its_holder(tmp_path, holder):
    holding = f'process {holder.pid} on host {socket.gethostname()}'
    refused = pytest.raises(UserError, match=f'{tmp_path}.* is in use by {holding}: ')
    with refused, locked_folder(tmp_path):
        pass
    assert (tmp_path / LOCK_FILE).read_text() == f'{holding}\n', 'the refused one changes nothing'


def test_the_lock_of_a_killed_process_is_stale_though_its_worker_lives(tmp_path, holder):
    holder.kill()
    holder.join()
    os.kill(holder.worker, 0)
    assert str(holder.pid) in (tmp_path / LOCK_FILE).read_text()
    with locked_folder(tmp_path):
        assert f'process {os.getpid()} ' in (tmp_path / LOCK_FILE).read_text()
    assert list(tmp_path.iterdir()) == []


def test_it_is_given_back_after_an_error_too(tmp_path):
    with pytest.raises(KeyboardInterrupt), locked_folder(tmp_path / 'deep' / 'run'):
        raise KeyboardInterrupt
    assert list((tmp_path / 'deep' / 'run').iterdir()) == []


def test_drafts_of_a_killed_process_go(tmp_path, holder):
    holder.kill()
    holder.join()
    (tmp_path / f'a.{holder.pid}.0.png.part').touch()
    with locked_folder(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [LOCK_FILE]


def test_a_link_in_its_place_is_not_written_through(tmp_path):
    thesis = tmp_path / 'thesis.txt'
    thesis.write_text('years')
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / LOCK_FILE).symlink_to(thesis)
    with pytest.raises(OSError, match=LOCK_FILE), locked_folder(tmp_path / 'run'):
        pass
    assert thesis.read_text() == 'years'
