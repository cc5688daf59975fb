"""Every format goes through the network and back."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from fbinpaint_mm.apis.folder_inpainting.encoding import encode
from fbinpaint_mm.picture import put_colors, read_picture, to_8_bits, to_network, to_pil
from fbinpaint_mm.user_error import UserError

SIZE = (10, 14)


def tagged(image, orientation, path, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize('orientation', range(1, 9))
def test_photographs_are_turned_upright_as_pillow_does(make_picture, tmp_path, orientation):
    path = tagged(Image.fromarray(make_picture((*SIZE, 3))), orientation, tmp_path / 'x.png')
    for source in (path, Image.open(path)):
        picture = read_picture(source, 'image')
        expected = np.asarray(ImageOps.exif_transpose(Image.open(path)))
        assert np.array_equal(picture.pixels, expected)
        assert picture.orientation == orientation
        assert picture.size == expected.shape[:2]


@pytest.mark.parametrize('compression', [None, 'tiff_lzw'])
@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('shape', [SIZE, (*SIZE, 3)])
def test_a_tiff_is_turned_once(make_picture, tmp_path, compression, orientation, shape):
    pixels = make_picture(shape)
    image = Image.fromarray(pixels)
    image.save(tmp_path / 'x.tif', compression=compression, tiffinfo={0x0112: orientation})
    path = tagged(image, orientation, tmp_path / 'x.png')
    expected = read_picture(path, 'image').pixels
    assert np.array_equal(read_picture(tmp_path / 'x.tif', 'image').pixels, expected)


def test_a_folder_is_told_as_such(tmp_path):
    with pytest.raises(UserError, match=r'^image: .*: found a folder, expected a file$'):
        read_picture(tmp_path, 'image')


@pytest.mark.parametrize('mode', ['L', 'LA', 'RGB', 'RGBA'])
def test_eight_bits_are_kept_as_they_are(make_picture, tmp_path, mode):
    pixels = make_picture((*SIZE, len(mode)) if len(mode) > 1 else SIZE)
    image = Image.fromarray(pixels, mode)
    image.save(tmp_path / 'x.png')
    for source in (pixels, image, tmp_path / 'x.png'):
        picture = read_picture(source, 'image')
        assert picture.pixels.dtype == np.uint8
        assert np.array_equal(picture.pixels, pixels)
        assert picture.notes == []
    assert to_pil(pixels).mode == mode


@pytest.mark.parametrize('channels', [1, 3, 4])
@pytest.mark.parametrize('suffix', ['.png', '.tif'])
def test_sixteen_bits_of_a_file_are_kept(make_picture, tmp_path, channels, suffix):
    pixels = make_picture((*SIZE, channels) if channels > 1 else SIZE, 'uint16')
    path = tmp_path / f'x{suffix}'
    order = {1: pixels, 3: pixels[..., ::-1], 4: pixels[..., [2, 1, 0, 3]] if channels == 4 else 0}
    assert cv2.imwrite(str(path), order[channels])
    picture = read_picture(path, 'image')
    assert picture.pixels.dtype == np.uint16
    assert np.array_equal(picture.pixels, pixels)


@pytest.mark.parametrize('orientation', range(2, 9))
@pytest.mark.parametrize('channels', [1, 3, 4])
def test_sixteen_bits_are_turned_as_eight_are(make_picture, tmp_path, channels, orientation):
    pixels = make_picture((*SIZE, channels) if channels > 1 else SIZE, 'uint16')
    exif = Image.Exif()
    exif[0x0112] = orientation
    content, _ = encode(pixels, 'png', metadata=dict(exif=exif))
    (tmp_path / 'x.png').write_bytes(content)
    picture = read_picture(tmp_path / 'x.png', 'image')
    shallow = tagged(
        Image.fromarray((pixels >> 8).astype(np.uint8)), orientation, tmp_path / 'y.png'
    )
    assert picture.orientation == orientation
    assert np.array_equal(picture.pixels >> 8, read_picture(shallow, 'image').pixels)


def test_pillow_images_of_sixteen_bits_are_kept_and_32_refused(make_picture):
    pixels = make_picture(SIZE, 'uint16')
    assert np.array_equal(read_picture(Image.fromarray(pixels), 'image').pixels, pixels)
    assert np.array_equal(np.asarray(to_pil(pixels)), pixels)
    wide = Image.fromarray(pixels.astype(np.int32))
    assert wide.mode == 'I'
    assert np.array_equal(read_picture(wide, 'image').pixels, pixels)
    with pytest.raises(UserError, match=r"'I' with values from .* to .*; expected values of 16"):
        read_picture(Image.fromarray(pixels.astype(np.int32) + 65000), 'image')
    with pytest.raises(UserError, match="Pillow mode 'F' is not supported"):
        read_picture(Image.fromarray(pixels.astype(np.float32)), 'image')


@pytest.mark.parametrize(
    ('mode', 'expected', 'note'),
    [
        ('1', 'L', None),
        ('P', 'RGB', 'a picture of mode P is returned as RGB'),
        ('CMYK', 'RGB', 'a picture of mode CMYK is returned as RGB'),
        ('PA', 'RGBA', None),
    ],
)
def test_other_modes_are_converted(make_picture, mode, expected, note):
    image = Image.fromarray(make_picture((*SIZE, 3))).convert(mode)
    picture = read_picture(image, 'image')
    assert np.array_equal(picture.pixels, np.asarray(image.convert(expected)))
    assert picture.notes == ([note] if note else [])


def test_a_palette_with_a_transparent_color_keeps_its_alpha(tmp_path):
    image = Image.fromarray(np.arange(140, dtype=np.uint8).reshape(SIZE)).convert('P')
    image.save(tmp_path / 'x.png', transparency=3)
    picture = read_picture(tmp_path / 'x.png', 'image')
    assert picture.pixels.shape == (*SIZE, 4)
    assert (picture.pixels[..., 3] == 0).sum() == 1


def test_black_and_white_with_a_transparent_color_keeps_its_alpha(tmp_path):
    Image.fromarray(np.eye(3, dtype=bool)).save(tmp_path / 'x.png', transparency=1)
    picture = read_picture(tmp_path / 'x.png', 'image')
    assert np.array_equal(picture.pixels[..., 1], 255 - np.eye(3, dtype=np.uint8) * 255)
    assert picture.notes == ['a picture of mode 1 with a transparent color is returned as LA']


def test_a_bitmap_of_16_bits_for_all_three_colors_has_8_bits_for_each(tmp_path):
    values = struct.pack('<4H', 0xFFFF, 0xF800, 0x07E0, 0x001F)  # white, red, green, blue
    header = struct.pack('<IiiHHIIiiII', 40, 4, 1, 1, 16, 3, len(values), 0, 0, 0, 0)
    header += struct.pack('<III', 0xF800, 0x07E0, 0x001F)
    start = 14 + len(header)
    file = b'BM' + struct.pack('<IHHI', start + len(values), 0, 0, start) + header + values
    (tmp_path / 'x.bmp').write_bytes(file)
    expected = [[[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]]
    assert read_picture(tmp_path / 'x.bmp', 'image').pixels.tolist() == expected


def test_sixteen_bits_that_opencv_cannot_read_are_told(make_picture, tmp_path, monkeypatch):
    path = tmp_path / 'x.png'
    assert cv2.imwrite(str(path), make_picture((*SIZE, 3), 'uint16'))
    monkeypatch.setattr(cv2, 'imdecode', lambda *args: None)
    with pytest.raises(UserError, match=r"x\.png' cannot be decoded: its 16-bit colors are of a"):
        read_picture(path, 'image')


def png_of_16_bits(pixels, transparent):
    """A PNG with a transparent color, which neither Pillow nor OpenCV writes with 16 bits."""
    height, width, channels = pixels.shape
    form = struct.pack('>IIBBBBB', width, height, 16, {1: 0, 3: 2}[channels], 0, 0, 0)
    rows = b''.join(b'\0' + row.astype('>u2').tobytes() for row in pixels)
    chunks = [(b'IHDR', form), (b'tRNS', transparent.astype('>u2').tobytes())]
    chunks += [(b'IDAT', zlib.compress(rows)), (b'IEND', b'')]
    coded = [
        struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b'\x89PNG\r\n\x1a\n' + b''.join(coded)


@pytest.mark.parametrize('channels', [1, 3])
def test_a_transparent_color_of_sixteen_bits_becomes_alpha(make_picture, tmp_path, channels):
    pixels = make_picture((*SIZE, channels), 'uint16')
    color = pixels[2, 5]
    (tmp_path / 'x.png').write_bytes(png_of_16_bits(pixels, color))
    picture = read_picture(tmp_path / 'x.png', 'image')
    assert picture.pixels.dtype == np.uint16
    assert np.array_equal(picture.pixels[..., :-1], pixels)
    alpha = np.where((pixels == color).all(-1), 0, 65535)
    assert alpha.min() == 0
    assert np.array_equal(picture.pixels[..., -1], alpha)
    returned = {1: '16-bit gray with alpha', 3: 'RGBA'}[channels]
    (note,) = picture.notes
    assert note.endswith(f' with a transparent color is returned as {returned}')


@pytest.mark.parametrize(('mode', 'alpha'), [('L', 'LA'), ('RGB', 'RGBA')])
def test_a_transparent_color_becomes_alpha(make_picture, tmp_path, mode, alpha):
    pixels = make_picture(SIZE if mode == 'L' else (*SIZE, 3))
    color = pixels[2, 5].tolist()
    transparency = color if mode == 'L' else tuple(color)
    Image.fromarray(pixels).save(tmp_path / 'x.png', transparency=transparency)
    picture = read_picture(tmp_path / 'x.png', 'image')
    planes = pixels.reshape(*SIZE, -1)
    assert np.array_equal(picture.pixels[..., :-1], planes)
    assert np.array_equal(picture.pixels[..., -1], np.where((planes == color).all(-1), 0, 255))
    note = f'a picture of mode {mode} with a transparent color is returned as {alpha}'
    assert picture.notes == [note]


def test_a_pillow_image_whose_file_is_cut_off_is_refused():
    with pytest.raises(UserError, match='image: cannot be decoded: image file is truncated'):
        read_picture(Image.open(io.BytesIO(jpeg()[:900])), 'image')


def jpeg(size=(64, 64)):
    buffer = io.BytesIO()
    Image.effect_noise(size, 90).save(buffer, 'JPEG')
    return buffer.getvalue()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (jpeg()[:900], r"image: '.*x\.jpg' cannot be decoded: image file is truncated"),
        (b'this is no image', r"image: '.*x\.jpg' is no image of a known format"),
        (b'', r"image: '.*x\.jpg' is no image of a known format"),
    ],
)
def test_damaged_files_are_named(tmp_path, content, message):
    path = tmp_path / 'x.jpg'
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_picture(path, 'image')


@pytest.mark.parametrize('name', ['a.gif', 'a.png', 'a.tif'])
def test_a_file_of_several_pictures_is_refused(tmp_path, name):
    frames = [Image.new('L', (4, 4), shade) for shade in (0, 100, 200)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match=f"'.*{name}' holds several pictures; expected a file"):
        read_picture(tmp_path / name, 'image')


def test_pictures_of_a_file_are_not_counted(tmp_path, monkeypatch):
    """Pillow takes minutes for many of them."""
    monkeypatch.delattr('PIL.TiffImagePlugin.TiffImageFile.n_frames')
    frames = [Image.new('L', (4, 4), shade) for shade in (0, 100)]
    frames[0].save(tmp_path / 'a.tif', save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match='holds several pictures'):
        read_picture(tmp_path / 'a.tif', 'image')


def test_a_telephone_s_jpeg_with_a_preview_is_one_picture(make_picture, tmp_path):
    image = Image.fromarray(make_picture((*SIZE, 3)))
    image.save(tmp_path / 'a.jpg', 'MPO', save_all=True, append_images=[image.resize((4, 3))])
    assert Image.open(tmp_path / 'a.jpg').format == 'MPO'
    assert read_picture(tmp_path / 'a.jpg', 'image').size == SIZE


@pytest.mark.parametrize('dtype', ['uint8', 'uint16'])
@pytest.mark.parametrize('channels', [None, 1, 2, 3, 4])
def test_all_values_survive_the_way_to_the_network_and_back(make_picture, dtype, channels):
    pixels = make_picture((40, 50) if channels is None else (40, 50, channels), dtype)
    where = np.ones((40, 50), bool)
    where[:5] = False
    seen = to_network(pixels)
    assert seen.dtype == np.float32
    assert seen.shape == (40, 50, 3)
    assert 0 <= seen.min() <= seen.max() <= 255
    target = make_picture(pixels.shape, dtype, seed=1)
    before = target.copy()
    put_colors(target, where, seen)
    assert np.array_equal(target[~where], before[~where])
    colors = pixels.shape[-1] - 1 if channels in (2, 4) else None
    found, expected = target.reshape(40, 50, -1), pixels.reshape(40, 50, -1)
    assert np.array_equal(found[where][:, :colors], expected[where][:, :colors])
    if colors:
        assert np.array_equal(found[..., colors], before[..., colors])


def test_the_network_sees_bgr_and_colors_out_of_range_are_cut_off():
    red = np.array([[[250, 100, 0]]], np.uint8)
    assert to_network(red).tolist() == [[[0, 100, 250]]]
    put_colors(red, np.ones((1, 1), bool), np.array([[[-3.0, 99.6, 300.0]]], np.float32))
    assert red.tolist() == [[[255, 100, 0]]]


def test_8_bits_are_the_nearest_of_16():
    pixels = np.array([0, 128, 129, 257, 385, 386, 65407, 65535], np.uint16)
    assert to_8_bits(pixels).tolist() == np.rint(pixels / 257).astype(int).tolist()


def test_pillow_has_no_mode_for_colors_of_sixteen_bits(make_picture):
    with pytest.raises(UserError, match='Pillow has no mode for 16-bit pictures with color'):
        to_pil(make_picture((*SIZE, 3), 'uint16'))
