from __future__ import annotations

import os

import pytest

from fbinpaint_mm.apis.folder_inpainting.source_record import RECORD, SourceRecord


@pytest.fixture
def image(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(bytes(5))
    return tmp_path / 'a.jpg'


def test_what_is_noted_is_found_again(tmp_path, image):
    out = tmp_path / 'out'
    SourceRecord(out).add('x/a.png', image, 'one')
    SourceRecord(out).add('b.png', image, 'two')
    found = SourceRecord(out)
    assert found.sources == {'x/a.png': ('a.jpg', 5, 'one'), 'b.png': ('a.jpg', 5, 'two')}
    assert found.has_settings('b.png', 'two')
    assert not found.has_settings('b.png', 'one')


def test_settings_of_results_of_earlier_versions_are_not_known(tmp_path):
    (tmp_path / RECORD).write_text('\n["a.png", "a.jpg", 5]')
    record = SourceRecord(tmp_path)
    assert record.sources == {'a.png': ('a.jpg', 5, None)}
    assert record.has_settings('a.png', 'one')
    assert record.has_settings('b.png', 'one')


def test_an_edited_picture_is_the_same_and_one_of_another_size_is_not(tmp_path, image):
    (tmp_path / 'a.png').touch()
    record = SourceRecord(tmp_path)
    assert record.other_source('a.png', image) is None
    record.add('a.png', image, 'x')
    assert record.other_source('a.png', image) is None
    image.write_bytes(bytes(6))
    os.utime(tmp_path / 'a.png', (2**31, 2**31))
    assert record.other_source('a.png', image) == 'a.jpg'
    os.utime(tmp_path / 'a.png', (1, 1))
    assert record.other_source('a.png', image) is None


def test_other_content_is_passed_over(tmp_path, image):
    (tmp_path / RECORD).write_bytes(
        b'\xff\n[]\n{"a": 1}\n["a", "b", "c"]\n["a", "b", 1, "c", "d"]\n' + b'[' * 99999
    )
    record = SourceRecord(tmp_path)
    assert record.sources == {}
    record.add('a.png', image, 'x')
    assert SourceRecord(tmp_path).sources == {'a.png': ('a.jpg', 5, 'x')}


def test_no_link_is_written_through(tmp_path, image):
    (tmp_path / 'thesis').write_text('years')
    (tmp_path / RECORD).symlink_to(tmp_path / 'thesis')
    with pytest.raises(OSError, match=RECORD):
        SourceRecord(tmp_path).add('a.png', image, 'x')
    assert (tmp_path / 'thesis').read_text() == 'years'
