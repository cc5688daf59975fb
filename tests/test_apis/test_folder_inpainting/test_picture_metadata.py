import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from fbinpaint_mm.apis.folder_inpainting.encoding import encode
from fbinpaint_mm.apis.folder_inpainting.picture_metadata import read_metadata

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rating>5</rating></x:xmpmeta>'
TAKEN = '2026:11:24 12:00:00'
PIXELS = np.full((6, 8, 3), 90, np.uint8)


def exif_block(orientation=1):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = 'Ada'
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = TAKEN
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = 'N'
    return exif.tobytes()


@pytest.fixture
def files(tmp_path):
    """A JPEG, PNG and WebP with all that they can hold, by format."""
    image, shared = Image.fromarray(PIXELS), dict(exif=exif_block(), icc_profile=ICC)
    paths = {form: tmp_path / f'a.{form}' for form in ('jpg', 'png', 'webp')}
    image.save(paths['jpg'], xmp=XMP, dpi=(300, 300), comment=b'by hand', **shared)
    info = PngImagePlugin.PngInfo()
    info.add_text('Title', 'Street')
    info.add_itxt('Description', 'Straße')
    info.add_itxt('XML:com.adobe.xmp', XMP.decode())
    info.add(b'gAMA', (45455).to_bytes(4, 'big'))
    image.save(paths['png'], pnginfo=info, dpi=(300, 300), **shared)
    image.save(paths['webp'], xmp=XMP, lossless=True, **shared)
    return paths


def rewritten(path, form, pixels=PIXELS):
    content, notes = encode(pixels, form, read_metadata(path))
    image = Image.open(io.BytesIO(content))
    image.load()
    return image, notes


@pytest.mark.parametrize('target', ['jpg', 'png', 'webp'])
@pytest.mark.parametrize('source', ['jpg', 'png', 'webp'])
def test_exif_profile_and_xmp_are_kept_in_every_format(files, source, target):
    image, _ = rewritten(files[source], target)
    exif = image.getexif()
    assert exif[ExifTags.Base.Artist] == 'Ada'
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == TAKEN
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == 'N'
    assert image.info['icc_profile'] == ICC
    assert image.info['xmp'] == XMP


@pytest.mark.parametrize(
    ('source', 'target', 'dpi', 'texts', 'lost'),
    [
        ('jpg', 'jpg', 300, {}, []),
        ('jpg', 'png', 300, {'Comment': 'by hand'}, []),
        ('jpg', 'webp', None, {}, ['a comment', 'the resolution']),
        ('png', 'png', 300, {'Title': 'Street', 'Description': 'Straße'}, []),
        ('png', 'jpg', 300, {}, ['PNG text']),
        ('png', 'webp', None, {}, ['PNG text', 'the resolution']),
    ],
)
def test_what_a_format_cannot_hold_is_told(files, source, target, dpi, texts, lost):
    image, notes = rewritten(files[source], target)
    assert image.info.get('dpi', (None,))[0] == (dpi and pytest.approx(dpi, abs=0.5))
    found = {key: str(value) for key, value in getattr(image, 'text', {}).items()}
    assert {key: value for key, value in found.items() if 'xmp' not in key} == texts
    assert [note.split(' is not kept')[0] for note in notes] == lost
    if (source, target) == ('jpg', 'jpg'):
        assert image.info['comment'] == b'by hand'


def test_a_png_keeps_what_its_colours_mean(files):
    image, _ = rewritten(files['png'], 'png')
    assert image.info['gamma'] == pytest.approx(0.45455)


@pytest.mark.parametrize('form', ['jpg', 'png', 'webp'])
@pytest.mark.parametrize('orientation', [3, 6])
def test_an_upright_result_is_not_turned_again(tmp_path, form, orientation):
    path = tmp_path / 'turned.jpg'
    Image.fromarray(PIXELS).save(path, exif=exif_block(orientation))
    exif = rewritten(path, form)[0].getexif()
    assert ExifTags.Base.Orientation not in exif
    assert exif[ExifTags.Base.Artist] == 'Ada'
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == TAKEN


def test_an_orientation_that_is_only_in_the_xmp_is_removed_too(tmp_path):
    path = tmp_path / 'a.jpg'
    xmp = b'<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" keep="1"/>'
    Image.fromarray(PIXELS).save(path, xmp=xmp)
    image, _ = rewritten(path, 'jpg')
    assert image.getexif().get(ExifTags.Base.Orientation, 1) == 1
    assert b'keep="1"' in image.info['xmp']


def test_bytes_that_pillow_does_not_understand_stay(tmp_path):
    block = exif_block() + b'maker note behind the tables'
    path = tmp_path / 'a.jpg'
    Image.fromarray(PIXELS).save(path, exif=block)
    assert rewritten(path, 'jpg')[0].info['exif'] == block


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


def test_the_thumbnail_of_the_unmended_picture_is_dropped(tmp_path):
    path = tmp_path / 'a.jpg'
    Image.fromarray(PIXELS).save(path, exif=with_thumbnail(exif_block()))
    assert b'as it was' in path.read_bytes()
    assert Image.open(path).getexif().get_ifd(ExifTags.IFD.IFD1)
    content, _ = encode(PIXELS, 'jpg', read_metadata(path))
    assert b'as it was' not in content
    assert Image.open(io.BytesIO(content)).getexif()[ExifTags.Base.Artist] == 'Ada'


def test_a_block_too_large_for_a_jpeg_is_told_and_left_out(tmp_path):
    path, xmp = tmp_path / 'a.png', '<x>' + 'a' * 70_000 + '</x>'
    info = PngImagePlugin.PngInfo()
    info.add_itxt('XML:com.adobe.xmp', xmp)
    Image.fromarray(PIXELS).save(path, pnginfo=info)
    image, notes = rewritten(path, 'jpg')
    assert notes == ['XMP of more than 64 KB is not kept in a JPEG']
    assert 'xmp' not in image.info
    assert rewritten(path, 'png')[0].info['xmp'] == xmp.encode()


def test_the_profile_of_a_cmyk_picture_is_told_and_left_out(tmp_path):
    path = tmp_path / 'a.jpg'
    Image.new('CMYK', (8, 6)).save(path, icc_profile=b'profile of inks')
    image, notes = rewritten(path, 'jpg')
    assert 'icc_profile' not in image.info
    assert notes == ['the colour profile of a CMYK picture does not fit the RGB result']


@pytest.mark.parametrize('name', ['a.gif', 'a.png', 'a.tif'])
def test_a_file_of_several_pictures_is_refused(tmp_path, name):
    frames = [Image.new('L', (4, 4), shade) for shade in (0, 100, 200)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match='holds 3 pictures; expected a file with a single one'):
        read_metadata(tmp_path / name)


def test_a_telephone_s_jpeg_with_a_preview_is_one_picture(tmp_path):
    path, image = tmp_path / 'a.jpg', Image.fromarray(PIXELS)
    image.save(path, 'MPO', save_all=True, append_images=[image.resize((4, 3))], exif=exif_block())
    assert Image.open(path).format == 'MPO'
    assert rewritten(path, 'jpg')[0].getexif()[ExifTags.Base.Artist] == 'Ada'
