from __future__ import annotations

import pytest

from fbinpaint_mm.write_file import write_file


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
