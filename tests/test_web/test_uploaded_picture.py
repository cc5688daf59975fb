from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.web.uploaded_picture import read_uploaded


def message_of(path) -> str:
    with pytest.raises(ValueError, match=r'picture|Picture|image') as caught:
        read_uploaded(str(path))
    assert str(path.parent) not in str(caught.value)
    return str(caught.value)


def test_a_picture_is_read_upright(picture, tmp_path):
    image = Image.fromarray(picture)
    exif = image.getexif()
    exif[0x0112] = 3  # stored upside down
    image.rotate(180).save(tmp_path / 'turned.png', exif=exif)

    assert np.array_equal(read_uploaded(str(tmp_path / 'turned.png')), picture)


def test_what_is_no_image_is_named_without_its_folder(tmp_path):
    path = tmp_path / 'notes.png'
    path.write_text('not an image')

    assert 'notes.png' in message_of(path)


def test_a_damaged_image_is_named_without_its_folder(picture, tmp_path):
    path = tmp_path / 'cut.png'
    Image.fromarray(picture).save(path)
    path.write_bytes(path.read_bytes()[:-2000])

    assert "'cut.png' cannot be decoded" in message_of(path)


def test_a_huge_image_is_refused_by_its_header(tmp_path):
    path = tmp_path / 'huge.ppm'
    path.write_bytes(b'P6 10000 6000 255\n')  # and no pixel at all

    assert message_of(path) == (
        'The picture has 60 megapixels (10000x6000); this page takes up to 40. '
        'tools/inpaint.py has no such limit.'
    )
