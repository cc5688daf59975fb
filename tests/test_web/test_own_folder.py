from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from fbinpaint_mm.web.own_folder import VisitorFiles, own_folder

SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


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


def test_what_is_written_while_it_is_removed_goes_too(parent, monkeypatch):
    with own_folder() as folder:
        remove = shutil.rmtree

        def remove_once(path, ignore_errors):
            monkeypatch.setattr('shutil.rmtree', remove)
            remove(path, ignore_errors)
            (folder / 'visitors').mkdir(parents=True)  # by a run that has just ended

        monkeypatch.setattr('shutil.rmtree', remove_once)
    assert list(parent.iterdir()) == []


def test_without_a_choice_it_lies_with_other_temporary_files(monkeypatch):
    monkeypatch.delenv('GRADIO_TEMP_DIR')
    with own_folder() as folder:
        assert 'GRADIO_TEMP_DIR' in os.environ
    assert not folder.exists()
    assert 'GRADIO_TEMP_DIR' not in os.environ


@pytest.fixture
def killed(monkeypatch) -> list[int]:
    """The signals by which the process would have ended."""
    signals: list[int] = []
    monkeypatch.setattr('os.kill', lambda process, number: signals.append(number))
    # A suite that runs in the background inherits signals that are ignored.
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield signals
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize('number', SIGNALS)
def test_a_signal_ends_the_process_when_the_folder_is_gone(parent, killed, monkeypatch, number):
    monkeypatch.setattr('os.kill', lambda *_: killed.append((number, list(parent.iterdir()))))
    with pytest.raises(SystemExit), own_folder():
        signal.raise_signal(number)
    assert killed == [(number, [])]
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_second_signal_does_not_break_off_the_cleaning(parent, killed):
    with pytest.raises(SystemExit), own_folder():  # noqa: PT012
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
    assert killed == [signal.SIGTERM]
    assert list(parent.iterdir()) == []


def test_a_signal_that_is_ignored_remains_so(killed):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with own_folder():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert killed == []


@pytest.fixture
def write(tmp_path):
    """Writes a file of 100 bytes; the first ones are the oldest."""
    names = []

    def one(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
        names.append(name)
        os.utime(path, (len(names), len(names)))
        return path

    return one


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob('*') if path.is_file()}


def test_the_oldest_files_make_room(tmp_path, write):
    files = VisitorFiles(tmp_path, limit=250)
    for name in ('first/a.png', 'second/b.png', 'c.tmp', 'third/d.png'):
        write(name)

    files.make_room()

    assert left(tmp_path) == {'c.tmp', 'd.png'}


def test_below_the_limit_all_files_stay(tmp_path, write):
    files = VisitorFiles(tmp_path, limit=200)
    write('a.png')
    write('b.png')

    files.make_room()

    assert left(tmp_path) == {'a.png', 'b.png'}


def test_what_was_there_before_is_not_the_visitors(tmp_path, write):
    write('example.png')
    files = VisitorFiles(tmp_path, limit=100)
    write('a.png')
    write('b.png')

    files.make_room()

    assert left(tmp_path) == {'example.png', 'b.png'}


def test_a_folder_that_is_not_there_yet_has_no_files(tmp_path):
    VisitorFiles(tmp_path / 'later').make_room()
