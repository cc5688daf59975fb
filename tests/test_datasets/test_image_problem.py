"""Whole files pass, and no truncated one does."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.datasets.image_problem import image_problem

FORMATS = {
    'jpeg': dict(format='JPEG'),
    'progressive jpeg': dict(format='JPEG', progressive=True),
    'png': dict(format='PNG'),
    'webp': dict(format='WEBP'),
    'bmp': dict(format='BMP'),
}


def encode(**settings):
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, **settings)
    return file.getvalue()


@pytest.fixture(params=FORMATS)
def content(request):
    return encode(**FORMATS[request.param])


def test_whole_files_pass(content):
    assert image_problem(content) is None


def test_what_is_behind_the_end_does_no_harm(content):
    """Some cameras and tools append their notes, which decoders ignore."""
    assert image_problem(content + b'notes') is None
    assert image_problem(content + bytes(100)) is None
    assert image_problem(content + b'a film \xff\xda with every pair of bytes') is None


@pytest.mark.parametrize('share', [0.001, 0.2, 0.5, 0.9, 0.99])
def test_truncated_files_are_found(content, share):
    assert image_problem(content[: int(share * len(content))])


def test_last_byte_of_a_jpeg():
    assert 'truncated' in image_problem(encode(format='JPEG')[:-1])


@pytest.mark.parametrize('name', ['jpeg', 'progressive jpeg', 'png'])
def test_an_end_filled_with_zeros_is_found(name):
    """What a power failure leaves. Pillow takes the zeros of a JPEG for pixels."""
    content = encode(**FORMATS[name])
    half = len(content) // 2
    assert image_problem(content[:half] + bytes(len(content) - half))


def test_end_marker_of_a_thumbnail_is_not_that_of_the_jpeg():
    """EXIF holds a whole small JPEG in front of the pixels."""
    exif = b'Exif\x00\x00' + encode(format='JPEG')
    content = encode(format='JPEG', exif=exif)
    assert image_problem(content) is None
    assert image_problem(content[:-2]) == 'the JPEG is truncated, its end marker is missing'


@pytest.mark.parametrize('position', [100, 1000, 5000])
def test_one_wrong_bit_of_a_png_is_found(position):
    damaged = bytearray(encode(format='PNG'))
    damaged[position] ^= 1
    assert 'checksum' in image_problem(bytes(damaged))


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        (b'', 'the file is empty'),
        (b'<html>Not found</html>', 'it is no image'),
        (bytes(500), 'it is no image'),
    ],
)
def test_what_is_no_image(content, problem):
    assert image_problem(content) == problem


def test_an_image_that_pillow_refuses_for_its_size(monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1000)
    assert 'Image size (3072 pixels) exceeds limit' in image_problem(encode(format='PNG'))
