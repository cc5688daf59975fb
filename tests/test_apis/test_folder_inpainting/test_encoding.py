import io
import json

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, TiffImagePlugin

from fbinpaint_mm.apis.folder_inpainting.encoding import encode, encode_map, read_metadata
from fbinpaint_mm.picture import read_picture

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
TAKEN = '2026:11:24 12:00:00'
PIXELS = np.full((6, 8, 3), 90, np.uint8)


def opened(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def decoded(content, tmp_path):
    """What our own reader makes of the bytes."""
    path = tmp_path / 'decoded'
    path.write_bytes(content)
    return read_picture(path, 'image').pixels


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('shape', [(16, 24), (16, 24, 2), (16, 24, 3), (16, 24, 4)])
def test_a_png_keeps_every_pixel(make_picture, tmp_path, dtype, shape):
    pixels = make_picture(shape, dtype)
    content, notes = encode(pixels, 'png')
    read = decoded(content, tmp_path)
    assert read.dtype == dtype
    if dtype == np.uint16 and shape[-1] == 2:
        assert notes == ['16-bit gray with alpha is written as RGB with alpha']
        pixels = pixels[..., [0, 0, 0, 1]]
    else:
        assert notes == []
    assert np.array_equal(read, pixels)


def test_opencv_reads_the_same_16_bit_colors(make_picture):
    pixels = make_picture((16, 24, 3), 'uint16')
    read = cv2.imdecode(np.frombuffer(encode(pixels, 'png')[0], np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read[..., ::-1], pixels)


@pytest.mark.parametrize('shape', [(16, 24, 3), (16, 24, 4)])
def test_a_webp_keeps_every_pixel_unless_a_quality_is_given(make_picture, tmp_path, shape):
    pixels = make_picture(shape)
    assert np.array_equal(decoded(encode(pixels, 'webp')[0], tmp_path), pixels)
    lossy = decoded(encode(pixels, 'webp', quality=60)[0], tmp_path)
    assert not np.array_equal(lossy, pixels)


def test_the_quality_of_a_jpeg_counts(make_picture):
    sizes = [
        len(encode(make_picture((64, 64, 3)), 'jpg', quality)[0]) for quality in (20, 80, None)
    ]
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize('form', ['jpg', 'webp'])
def test_16_bits_become_8_with_a_note(form, tmp_path):
    content, notes = encode(np.full((16, 16, 3), 300, np.uint16), form)
    assert notes == [f'16 bits become 8 in a {dict(jpg="JPEG", webp="WebP")[form]}']
    assert (decoded(content, tmp_path) == 1).all()


@pytest.mark.parametrize(('channels', 'mode'), [(2, 'L'), (4, 'RGB')])
def test_a_jpeg_has_no_alpha_and_says_so(make_picture, channels, mode):
    content, notes = encode(make_picture((16, 16, channels)), 'jpg')
    assert notes == ['transparency is not kept in a JPEG']
    assert opened(content).mode == mode


def exif_block(orientation=1):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = 'Ada'
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = TAKEN
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = 'N'
    return exif.tobytes()


@pytest.mark.parametrize('pixels', [PIXELS, PIXELS.astype(np.uint16)])
@pytest.mark.parametrize('target', ['jpg', 'png', 'webp'])
@pytest.mark.parametrize('source', ['jpg', 'png', 'webp'])
@pytest.mark.parametrize('orientation', [1, 6])
def test_exif_and_profile_are_kept_and_the_orientation_is_reset(
    tmp_path, source, target, pixels, orientation
):
    path = tmp_path / f'a.{source}'
    Image.fromarray(PIXELS).save(path, exif=exif_block(orientation), icc_profile=ICC)
    image = opened(encode(pixels, target, metadata=read_metadata(path))[0])
    exif = image.getexif()
    assert ExifTags.Base.Orientation not in exif
    assert exif[ExifTags.Base.Artist] == 'Ada'
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == TAKEN
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == 'N'
    assert image.info['icc_profile'] == ICC


def damaged_exif():
    """Pillow reads it and cannot write it: a tag of type 5, a fraction, becomes one of type 2."""
    exif = Image.Exif()
    exif[ExifTags.Base.XResolution] = 72.0
    return exif.tobytes().replace(b'\x01\x1a\x00\x05', b'\x01\x1a\x00\x02')


@pytest.mark.parametrize('pixels', [PIXELS, PIXELS.astype(np.uint16)])
@pytest.mark.parametrize(
    ('name', 'metadata'),
    [
        ('a.jpg', dict(exif=damaged_exif())),
        ('a.tif', dict(tiffinfo={282: TiffImagePlugin.IFDRational(1, 0), 296: 2})),
    ],
)
def test_damaged_metadata_do_not_cost_the_picture(save_image, tmp_path, name, metadata, pixels):
    path = save_image(name, PIXELS, icc_profile=ICC, **metadata)
    content, notes = encode(pixels, 'png', metadata=read_metadata(path))
    assert np.array_equal(decoded(content, tmp_path), pixels)
    assert opened(content).info['icc_profile'] == ICC
    if name == 'a.jpg' or pixels.dtype == np.uint8:  # no resolution is written with 16-bit colors
        assert notes == ['EXIF data and resolution are left out: they are damaged, or too long']


@pytest.mark.parametrize('form', ['jpg', 'png'])
def test_the_resolution_is_kept(save_image, form):
    path = save_image('a.jpg', PIXELS, dpi=(300, 300))
    image = opened(encode(PIXELS, form, metadata=read_metadata(path))[0])
    assert image.info['dpi'] == pytest.approx((300, 300), abs=0.5)


def with_thumbnail(block, thumbnail=b'\xff\xd8 the picture as it was \xff\xd9'):
    """An EXIF block with a second directory, as cameras write it; Pillow cannot."""
    head, tiff = block[:6], bytearray(block[6:])
    order = 'little' if tiff[:2] == b'II' else 'big'
    first = int.from_bytes(tiff[4:8], order)
    link = first + 2 + 12 * int.from_bytes(tiff[first : first + 2], order)
    start = len(tiff)
    tiff[link : link + 4] = start.to_bytes(4, order)
    data = start + 2 + 2 * 12 + 4
    tiff += (2).to_bytes(2, order)
    for tag, value in ((0x0201, data), (0x0202, len(thumbnail))):
        tiff += tag.to_bytes(2, order) + (4).to_bytes(2, order)
        tiff += (1).to_bytes(4, order) + value.to_bytes(4, order)
    return head + bytes(tiff) + bytes(4) + thumbnail


def test_the_thumbnail_of_the_picture_as_it_was_is_dropped(tmp_path):
    path = tmp_path / 'a.jpg'
    Image.fromarray(PIXELS).save(path, exif=with_thumbnail(exif_block()))
    assert b'as it was' in path.read_bytes()
    assert Image.open(path).getexif().get_ifd(ExifTags.IFD.IFD1)
    content, _ = encode(PIXELS, 'jpg', metadata=read_metadata(path))
    assert b'as it was' not in content
    assert opened(content).getexif()[ExifTags.Base.Artist] == 'Ada'


def test_the_tags_of_a_tiff_are_not_taken_for_exif(save_image):
    assert 'exif' not in read_metadata(save_image('a.tif', PIXELS))


@pytest.mark.parametrize(
    ('space', 'pixels', 'form', 'is_kept'),
    [
        (b'RGB ', PIXELS, 'png', True),
        (b'CMYK', PIXELS, 'jpg', False),
        (b'GRAY', PIXELS[..., 0], 'png', True),
        (b'GRAY', PIXELS[..., :2], 'png', True),
        (b'GRAY', PIXELS[..., 0], 'webp', False),
    ],
)
def test_a_profile_of_other_colors_is_left_out(space, pixels, form, is_kept):
    profile = bytes(16) + space + bytes(108)
    content, _ = encode(np.ascontiguousarray(pixels), form, metadata=dict(icc_profile=profile))
    assert ('icc_profile' in opened(content).info) == is_kept


def test_pixels_of_a_map_are_class_ids_shown_in_the_colors_of_the_classes():
    semantic_map = np.array([[2, 0, 1], [1, 255, 2]], np.uint8)
    palette = [[1, 2, 3], [40, 50, 60], [70, 80, 90]]
    image = opened(encode_map(semantic_map, ['sky', 'straße', 'car'], palette))
    assert (image.format, image.mode) == ('PNG', 'P')
    assert np.array_equal(np.asarray(image), semantic_map)
    expected = [[[70, 80, 90], [1, 2, 3], [40, 50, 60]], [[40, 50, 60], [0, 0, 0], [70, 80, 90]]]
    assert np.asarray(image.convert('RGB')).tolist() == expected
    assert json.loads(image.text['classes']) == ['sky', 'straße', 'car']


def test_without_names_a_map_has_no_chunk():
    assert opened(encode_map(np.zeros((1, 1), np.uint8), None, [[0, 0, 0]])).text == {}
