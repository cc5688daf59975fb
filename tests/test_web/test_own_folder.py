from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from fbinpaint_mm.web.own_folder import own_folder


@pytest.fixture(autouse=True)
def parent(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path / 'chosen'))
    return tmp_path / 'chosen'


def test_gradio_writes_into_a_folder_that_is_gone_at_the_end(parent):
    with own_folder() as folder:
        visitors = Path(os.environ['GRADIO_TEMP_DIR'])
        assert folder.parent == parent
        assert visitors.is_relative_to(folder)
        assert folder.stat().st_mode & 0o077 == 0, 'nobody else can read it'
        visitors.mkdir()
        (visitors / 'upload.png').write_bytes(b'private')

    assert list(parent.iterdir()) == []
    assert os.environ['GRADIO_TEMP_DIR'] == str(parent)


def test_without_a_choice_it_lies_with_other_temporary_files(monkeypatch):
    monkeypatch.delenv('GRADIO_TEMP_DIR')
    with own_folder() as folder:
        assert 'GRADIO_TEMP_DIR' in os.environ
    assert not folder.exists()
    assert 'GRADIO_TEMP_DIR' not in os.environ


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_it_is_gone_when_a_signal_ends_the_process(parent, monkeypatch, number):
    before = signal.signal(number, signal.SIG_DFL)
    with pytest.raises(SystemExit) as ended, own_folder():  # noqa: PT012
        assert signal.getsignal(number) is not signal.SIG_DFL  # or the tests would end here
        os.kill(os.getpid(), number)
    assert ended.value.code == 128 + number
    assert list(parent.iterdir()) == []
    assert signal.signal(number, before) is signal.SIG_DFL


def test_a_signal_that_is_ignored_remains_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with own_folder():
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    signal.signal(signal.SIGHUP, before)
