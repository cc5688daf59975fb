"""What is refused before a training: damaged files, and files that do not fit each other."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from fbinpaint_mm import picture_file
from fbinpaint_mm.datasets import file_checks
from fbinpaint_mm.datasets.file_checks import (
    CorruptFileError,
    choose_check,
    image_problem,
    inspect_sample,
    open_image,
    read_label_ids,
)
from fbinpaint_mm.datasets.transforms import LoadWholeImage
from fbinpaint_mm.picture import read_picture
from fbinpaint_mm.user_error import UserError


def test_size_is_that_of_the_image_as_shown_by_exif_orientation(tmp_path):
    image = Image.new('RGB', (20, 10))
    exif = image.getexif()
    exif[274] = 6
    image.save(tmp_path / 'turned.jpg', exif=exif)
    for decode in (True, False):
        assert open_image(str(tmp_path / 'turned.jpg'), decode)[1] == (10, 20)


XMP = b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'


def turned_by_xmp(suffix):
    """Arguments to save a picture whose orientation is in its XMP data alone."""
    text = PngImagePlugin.PngInfo()
    text.add_itxt('XML:com.adobe.xmp', XMP.decode())
    return {'.png': dict(pnginfo=text), '.tif': dict(tiffinfo={700: XMP})}.get(
        suffix, dict(xmp=XMP)
    )


def turned_by_exif(suffix):
    exif = Image.Exif()
    exif[274] = 6
    return dict(tiffinfo={274: 6}) if suffix == '.tif' else dict(exif=exif)


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.tif', '.avif'])
@pytest.mark.parametrize('turned', [turned_by_exif, turned_by_xmp])
def test_check_and_loaders_read_one_orientation(tmp_path, suffix, turned):
    """A label map that fits the picture as it is shown, and no other, is accepted by all."""
    path, size = str(tmp_path / f'a{suffix}'), (48, 64)
    pixels = np.random.default_rng(0).integers(0, 256, (64, 48), np.uint8)
    # Stored lying, its first row to the right; orientation 6 turns it clockwise.
    lying = Image.fromarray(pixels).transpose(Image.Transpose.ROTATE_90)
    lying.convert('RGB').save(path, quality=100, **turned(suffix))
    assert open_image(path, True)[1] == open_image(path, False)[1] == size
    loaded = LoadWholeImage(key='gt')(dict(gt_path=path))['gt']
    known = read_picture(path, 'image').pixels
    assert loaded.shape == known.shape == (64, 48, 3)
    assert np.abs(loaded.astype(int) - pixels[..., None]).mean() < 8
    assert np.abs(loaded[..., ::-1].astype(int) - known).mean() < 2
    sample = dict(gt_path=path, seg_map_path=str(tmp_path / 'label.png'))
    Image.new('L', size).save(sample['seg_map_path'])
    for decode in (True, False):
        inspect_sample(sample, 1, decode)
    Image.new('L', size[::-1]).save(sample['seg_map_path'])
    for decode in (True, False):
        with pytest.raises(UserError, match=r'is 64x48 but its image .* is 48x64'):
            inspect_sample(sample, 1, decode)


def test_a_label_map_is_turned_as_its_image_is(tmp_path):
    path = str(tmp_path / 'a.png')
    Image.fromarray(np.array([[0, 1], [2, 3], [4, 5]], np.uint8)).save(
        path, **turned_by_exif('.png')
    )
    assert read_label_ids(path).tolist() == [[4, 2, 0], [5, 3, 1]]
    assert open_image(path, False)[1] == (3, 2)


@pytest.mark.parametrize(('limit', 'expected'), [(10**6, 'full'), (10, 'headers')])
def test_auto_depends_on_the_bytes(tmp_path, monkeypatch, limit, expected):
    monkeypatch.setattr(file_checks, 'FULL_CHECK_BYTES', limit)
    Image.new('RGB', (20, 10)).save(tmp_path / 'a.png')
    sample = dict(gt_path=str(tmp_path / 'a.png'), seg_map_path=None)
    assert choose_check([sample]) == expected


@pytest.mark.parametrize('decode', [True, False])
@pytest.mark.parametrize('name', ['large.png', 'large.jpg'])
def test_an_image_that_pillow_refuses_for_its_size_is_named(tmp_path, monkeypatch, name, decode):
    path = str(tmp_path / name)
    Image.new('RGB', (64, 48)).save(path)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1000)
    with pytest.raises(
        CorruptFileError,
        match=rf"^cannot read '{path}' \(it cannot be decoded: Image size \(3072 pixels",
    ):
        inspect_sample(dict(gt_path=path, seg_map_path=None), 1, decode)


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


NO_IMAGE = f'it is no image of a known format ({", ".join(picture_file.FORMATS)})'


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        (b'', 'the file is empty'),
        (b'<html>Not found</html>', NO_IMAGE),
        (bytes(500), NO_IMAGE),
        (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n{} loop', NO_IMAGE),
    ],
)
def test_what_is_no_image(content, problem):
    assert image_problem(content) == problem
