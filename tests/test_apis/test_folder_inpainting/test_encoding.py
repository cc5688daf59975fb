import io

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from fbinpaint_mm.apis.folder_inpainting.encoding import encode
from fbinpaint_mm.apis.folder_inpainting.picture_metadata import PictureMetadata, read_metadata
from fbinpaint_mm.apis.picture import read_picture

PLAIN = PictureMetadata()


def decoded(content, tmp_path):
    """What our own reader makes of the bytes."""
    path = tmp_path / 'decoded'
    path.write_bytes(content)
    return read_picture(path, 'image').pixels


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('shape', [(16, 24), (16, 24, 2), (16, 24, 3), (16, 24, 4)])
def test_a_png_keeps_every_pixel(noise, tmp_path, dtype, shape):
    pixels = noise(*shape, dtype=dtype)
    content, notes = encode(pixels, 'png', PLAIN)
    read = decoded(content, tmp_path)
    assert read.dtype == dtype
    if dtype == np.uint16 and shape[-1] == 2:
        assert notes == ['16-bit grey with alpha is written as RGB with alpha']
        pixels = pixels[..., [0, 0, 0, 1]]
    else:
        assert notes == []
    assert np.array_equal(read, pixels)


def test_opencv_reads_the_same_16_bit_colours(noise):
    pixels = noise(16, 24, 3, dtype=np.uint16)
    content, _ = encode(pixels, 'png', PLAIN)
    read = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read[..., ::-1], pixels)


@pytest.mark.parametrize('channels', [3, 4])
def test_a_16_bit_png_keeps_its_metadata(noise, tmp_path, channels):
    info = PngImagePlugin.PngInfo()
    info.add_text('Title', 'Street')
    exif = Image.Exif()
    exif[0x013B] = 'Ada'
    path = tmp_path / 'a.png'
    Image.new('RGB', (1, 1)).save(path, pnginfo=info, exif=exif, icc_profile=b'icc', dpi=(72, 72))
    content, notes = encode(noise(16, 24, channels, dtype=np.uint16), 'png', read_metadata(path))
    image = Image.open(io.BytesIO(content))
    image.load()
    assert notes == []
    assert image.text == {'Title': 'Street'}
    assert image.getexif()[0x013B] == 'Ada'
    assert image.info['icc_profile'] == b'icc'
    assert image.info['dpi'][0] == pytest.approx(72, abs=0.5)


@pytest.mark.parametrize('shape', [(16, 24, 3), (16, 24, 4)])
def test_a_webp_keeps_every_pixel_unless_a_quality_is_given(noise, tmp_path, shape):
    pixels = noise(*shape)
    assert np.array_equal(decoded(encode(pixels, 'webp', PLAIN)[0], tmp_path), pixels)
    lossy = decoded(encode(pixels, 'webp', PLAIN, quality=60)[0], tmp_path)
    assert not np.array_equal(lossy, pixels)


def test_a_jpeg_with_the_coding_of_its_source_changes_least(save_image, tmp_path):
    ramp = np.add.outer(np.arange(64), np.arange(96))[..., None] + [0, 30, 60]
    path = save_image('a.jpg', ramp.astype(np.uint8), quality=60, subsampling=2)
    pixels = read_picture(path, 'image').pixels
    kept, other = (
        decoded(encode(pixels, 'jpg', read_metadata(path), quality)[0], tmp_path).astype(int)
        for quality in (None, 50)
    )
    assert np.abs(kept - pixels).mean() < 0.5 * np.abs(other - pixels).mean()
    tables = Image.open(io.BytesIO(encode(pixels, 'jpg', read_metadata(path))[0])).quantization
    assert tables == Image.open(path).quantization


def test_the_quality_of_a_jpeg_counts(noise):
    sizes = [len(encode(noise(64, 64, 3), 'jpg', PLAIN, quality)[0]) for quality in (20, 80, None)]
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize('form', ['jpg', 'webp'])
def test_16_bits_become_8_with_a_note(form, tmp_path):
    pixels = np.full((16, 16, 3), 300, np.uint16)
    content, notes = encode(pixels, form, PLAIN)
    name = dict(jpg='JPEG', webp='WebP')[form]
    assert notes == [f'16 bits become 8 in a {name}']
    assert (decoded(content, tmp_path) == 1).all()


@pytest.mark.parametrize(('channels', 'mode'), [(2, 'L'), (4, 'RGB')])
def test_a_jpeg_has_no_alpha_and_says_so(noise, channels, mode):
    content, notes = encode(noise(16, 16, channels), 'jpg', PLAIN)
    assert notes == ['transparency is not kept in a JPEG']
    assert Image.open(io.BytesIO(content)).mode == mode


def test_the_profile_of_a_grey_picture_does_not_get_into_a_webp():
    metadata = PictureMetadata(icc_profile=b'grey')
    grey, rgb = np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8)
    assert 'icc_profile' not in Image.open(io.BytesIO(encode(grey, 'webp', metadata)[0])).info
    assert Image.open(io.BytesIO(encode(rgb, 'webp', metadata)[0])).info['icc_profile'] == b'grey'
