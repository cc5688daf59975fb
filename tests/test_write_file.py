from __future__ import annotations

import builtins
import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import (
    check_output_file,
    check_writable,
    remove_drafts,
    write_file,
)


def test_makes_folders_and_leaves_no_draft(tmp_path):
    path = write_file(tmp_path / 'deep' / 'file.txt', '±')
    assert path.read_text(encoding='utf-8') == '±'
    assert write_file(path, b'\x00').read_bytes() == b'\x00'
    assert [one.name for one in path.parent.iterdir()] == ['file.txt']


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = write_file(tmp_path / 'file.txt', 'old')
    with pytest.raises(UnicodeEncodeError):
        write_file(path, '\ud800')
    assert path.read_text() == 'old'


def test_no_link_is_written_through(tmp_path, monkeypatch):
    thesis = tmp_path / 'thesis.txt'
    thesis.write_text('years')
    out = tmp_path / 'out'
    out.mkdir()
    monkeypatch.setattr('fbinpaint_mm.write_file.NUMBERS', iter([7, 8, 9]))
    drafts = [f'a.{os.getpid()}.7.png.part', 'a.png.part']
    for name in ('a.png', *drafts):
        (out / name).symlink_to(thesis)
    write_file(out / 'a.png', b'new')
    assert thesis.read_text() == 'years'
    assert (out / 'a.png').read_bytes() == b'new'
    assert not (out / 'a.png').is_symlink()


@pytest.mark.parametrize('name', ['x' * 251 + '.png', 'ä' * 125 + '.png', 'x.' + 'y' * 253])
def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path, name):
    assert write_file(tmp_path / name, b'1').read_bytes() == b'1'
    assert [path.name for path in tmp_path.iterdir()] == [name]


def failing_write(monkeypatch, error):
    def fail(file, mode='r', *args, **kwargs):
        raise error

    monkeypatch.setattr(builtins, 'open', fail)
    monkeypatch.setattr(io, 'open', fail)


@pytest.mark.parametrize('code', [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_what_is_free(tmp_path, monkeypatch, code):
    failing_write(monkeypatch, OSError(code, os.strerror(code)))
    with pytest.raises(OSError, match=r'cannot write 0\.00 MiB') as error:
        write_file(tmp_path / 'new' / 'a.png', b'1')
    assert 'MiB are free. Make room there' in str(error.value)
    assert error.value.filename == str(tmp_path / 'new' / 'a.png')


@pytest.mark.parametrize('code', [errno.EACCES, errno.EFBIG, errno.EROFS, errno.EIO])
def test_other_errors_do_not_speak_of_room(tmp_path, monkeypatch, code):
    failing_write(monkeypatch, OSError(code, os.strerror(code)))
    with pytest.raises(OSError, match='cannot write') as error:
        write_file(tmp_path / 'a.png', b'1')
    assert os.strerror(code) in str(error.value)
    assert 'room' not in str(error.value)


def test_an_older_file_is_spoken_of_where_there_is_one(tmp_path, monkeypatch):
    write_file(tmp_path / 'old.png', b'1')
    failing_write(monkeypatch, OSError(errno.EIO, os.strerror(errno.EIO)))
    for name in ('old.png', 'new.png'):
        with pytest.raises(OSError, match='cannot write') as error:
            write_file(tmp_path / name, b'2')
        assert ('the older file of this name is unchanged' in str(error.value)) == ('old' in name)


def test_a_folder_that_cannot_be_made_is_told_with_the_file(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(NotADirectoryError) as error:
        write_file(tmp_path / 'file' / 'deep' / 'a.png', b'1')
    assert error.value.filename == str(tmp_path / 'file' / 'deep' / 'a.png')


def test_only_drafts_of_processes_that_have_ended_are_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, '-c', ''])
    ended.wait()
    (tmp_path / 'deep').mkdir()
    own, parent = os.getpid(), os.getppid()
    stale = {f'iter_2.{ended.pid}.0.pth.part', f'deep/iter_2.{ended.pid}.10.pth.part'}
    stale.add(f'last_checkpoint.{ended.pid}.1.part')
    kept = {f'iter_3.{own}.0.pth.part', f'iter_4.{parent}.5.pth.part', 'iter_1.pth', 'a.pth.part'}
    reborn = f'iter_1.{own}.3.pth.part'  # of an earlier process with the number of this one
    stale.add(reborn)
    for name in (*stale, *kept):
        (tmp_path / name).touch()
    os.utime(tmp_path / reborn, (1, 1))

    def left():
        return {str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*') if path.is_file()}

    assert set(remove_drafts(tmp_path)) == {tmp_path / name for name in stale}
    assert left() == kept


def test_drafts_where_a_link_leads_are_left_alone(tmp_path):
    ended = subprocess.Popen([sys.executable, '-c', ''])
    ended.wait()
    draft = tmp_path / 'elsewhere' / f'a.{ended.pid}.0.png.part'
    draft.parent.mkdir()
    draft.touch()
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'link').symlink_to(draft.parent)
    assert remove_drafts(tmp_path / 'out') == []
    assert draft.exists()


def test_two_writers_of_one_file_do_not_meet(tmp_path, monkeypatch):
    """The second begins while the first writes: each has a draft of its own."""
    real, begun = os.replace, []

    def replace(draft, path):
        begun.append(Path(draft).name)
        if len(begun) == 1:
            write_file(tmp_path / 'a.txt', 'second')
        real(draft, path)

    monkeypatch.setattr(os, 'replace', replace)
    write_file(tmp_path / 'a.txt', 'first')
    assert (tmp_path / 'a.txt').read_text() == 'first'
    assert len(set(begun)) == 2


def test_a_place_that_is_not_writable_is_named(tmp_path, monkeypatch):
    file = tmp_path / 'scores.json'
    file.touch()
    check_output_file(file)
    monkeypatch.setattr(os, 'access', lambda path, mode: path != file)
    with pytest.raises(UserError, match=rf'--out .{file}. is not writable'):
        check_output_file(file)
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    with pytest.raises(UserError, match=rf'--out .{tmp_path}. is not writable'):
        check_writable(tmp_path)


def test_a_place_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').touch()
    (tmp_path / 'folder.json').mkdir()
    with pytest.raises(UserError, match=r"/file' cannot be made"):
        check_output_file(tmp_path / 'file/scores.json')
    with pytest.raises(UserError, match=r"/file' cannot be made: found a file, expected a folder$"):
        check_writable(tmp_path / 'file')
    with pytest.raises(UserError, match='cannot be made: found a file, expected a folder, here or'):
        check_writable(tmp_path / 'file/below')
    with pytest.raises(UserError, match=r"/folder\.json' is a folder"):
        check_output_file(tmp_path / 'folder.json')
    check_output_file(tmp_path / 'new/scores.json')
    assert (tmp_path / 'new').is_dir()
    assert not (tmp_path / 'new/scores.json').exists()
