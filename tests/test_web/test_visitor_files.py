from __future__ import annotations

import os
from pathlib import Path

import pytest

from fbinpaint_mm.web.visitor_files import VisitorFiles


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
