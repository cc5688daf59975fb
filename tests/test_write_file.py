from __future__ import annotations

import os

import pytest

from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import check_output_file, check_writable, write_file


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
    with pytest.raises(UserError, match=r"/folder\.json' is a folder"):
        check_output_file(tmp_path / 'folder.json')
    check_output_file(tmp_path / 'new/scores.json')
    assert (tmp_path / 'new').is_dir()
    assert not (tmp_path / 'new/scores.json').exists()
