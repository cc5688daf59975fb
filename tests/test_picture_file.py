"""Only harmless formats are opened, and what is wrong with a file is said in one sentence."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from fbinpaint_mm.picture_file import (
    FORMATS,
    exif_of,
    open_picture,
    orientation_of,
    turn_upright,
)
from fbinpaint_mm.user_error import UserError

# Ghostscript, which Pillow would start, draws a square for the first and never ends for the second.
POSTSCRIPT = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n'
EPS = [POSTSCRIPT + body + b'\nshowpage\n%%EOF\n' for body in (b'0 0 8 8 rectfill', b'{} loop')]


def file_of(form, **options):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file


def decode(file, name='x'):
    with open_picture(file, name) as image:
        image.load()
    return image


@pytest.mark.parametrize('form', FORMATS)
def test_common_formats_are_opened(form):
    assert decode(file_of(form)).size == (8, 6)


def test_jpegs_of_telephones_are_opened():
    preview = Image.new('RGB', (4, 4))
    assert decode(file_of('MPO', append_images=[preview], save_all=True)).format == 'MPO'


@pytest.mark.parametrize('form', ['PCX', 'PDF', 'SPIDER', 'ICO', 'IM'])
def test_other_formats_of_pillow_are_refused(form):
    with pytest.raises(UserError, match='no image of a known format'):
        decode(file_of(form))


@pytest.mark.parametrize('content', [*EPS, b'', b'hello', b'<svg xmlns="http://www.w3.org"/>'])
def test_no_program_is_started_for_a_file_that_claims_to_be_a_png(tmp_path, content, monkeypatch):
    monkeypatch.setattr('subprocess.check_call', lambda *_, **__: pytest.fail('a program started'))
    path = tmp_path / 'x.png'
    path.write_bytes(content)
    message = r"^mask 'x\.png' is no image of a known format \(AVIF, BMP, .*, WEBP\)$"
    with pytest.raises(UserError, match=message):
        decode(path, "mask 'x.png'")


@pytest.mark.parametrize('form', ['PNG', 'JPEG', 'WEBP', 'TIFF', 'AVIF'])
def test_a_cut_file_is_told_in_one_sentence(form):
    content = file_of(form).getvalue()
    for length in range(len(content) // 3, len(content) - 60, 7):
        with pytest.raises(UserError, match=r'^x (cannot be decoded: |is no image)'):
            decode(io.BytesIO(content[:length]))


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 20)
    with pytest.raises(UserError, match=r'^x cannot be decoded: Image size \(48 pixels\) exceeds'):
        decode(file_of('PNG'))


def test_a_missing_file_stays_an_error_about_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no\.png'):
        decode(tmp_path / 'no.png')


def test_long_texts_and_profiles_of_a_png_do_no_harm():
    text = PngImagePlugin.PngInfo()
    text.add_text('workflow', 'node ' * 300_000, zip=True)
    image = decode(file_of('PNG', pnginfo=text, icc_profile=bytes(2**21)))
    assert len(image.info['workflow']) == 1_500_000


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def with_xmp(form):
    text = PngImagePlugin.PngInfo()
    text.add_itxt('XML:com.adobe.xmp', XMP)
    return file_of(form, **(dict(pnginfo=text) if form == 'PNG' else dict(xmp=XMP.encode())))


def metadata_last(png):
    """The same PNG, with the metadata chunk that precedes its pixels behind them."""
    content = png.getvalue()
    pixels, end = content.index(b'IDAT') - 4, len(content) - 12
    start = 8 + 25  # the signature and the header
    return io.BytesIO(content[:start] + content[pixels:end] + content[start:pixels] + content[end:])


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('form', ['PNG', 'JPEG', 'WEBP', 'AVIF'])
def test_a_picture_is_turned_upright_as_pillow_does(form, orientation):
    file = file_of(form, exif=exif(orientation))
    with open_picture(file, 'x') as image:
        assert orientation_of(image) == orientation
        upright = turn_upright(np.asarray(image), orientation)
        assert np.array_equal(upright, np.asarray(ImageOps.exif_transpose(image)))
        assert np.array_equal(turn_upright(np.asarray(image)[..., 0], orientation), upright[..., 0])


@pytest.mark.parametrize('orientation', range(1, 9))
def test_a_tiff_is_turned_once(orientation):
    with open_picture(file_of('TIFF', tiffinfo={0x0112: orientation}), 'x') as image:
        before = orientation_of(image), image.size
        image.load()
        assert before == (orientation_of(image), image.size) == (1, image.size)


@pytest.mark.parametrize('form', ['PNG', 'JPEG', 'WEBP'])
def test_orientation_is_found_in_xmp_alone(form):
    with open_picture(with_xmp(form), 'x') as image:
        assert orientation_of(image) == 6


@pytest.mark.parametrize('file', [file_of('PNG', exif=exif(6)), with_xmp('PNG')])
def test_orientation_is_found_behind_the_pixels(file):
    with open_picture(metadata_last(file), 'x') as image:
        assert orientation_of(image) == 6


def test_the_pixels_of_a_png_are_not_decoded_for_its_orientation(monkeypatch):
    with open_picture(file_of('PNG', exif=exif(6)), 'x') as image:
        monkeypatch.setattr(image, 'load', lambda: pytest.fail('decoded'))
        assert orientation_of(image) == 6
    with open_picture(file_of('PNG'), 'x') as image:
        monkeypatch.setattr(image, 'load', lambda: pytest.fail('decoded'))
        assert orientation_of(image) == 1


@pytest.mark.parametrize('tags', [exif(0), exif(9), b'Exif\0\0garbage', b'Exif\0\0II*\0\x08'])
@pytest.mark.parametrize('form', ['PNG', 'JPEG', 'WEBP'])
def test_damaged_exif_says_nothing_about_the_pixels(form, tags):
    with open_picture(file_of(form, exif=tags), 'x') as image:
        assert orientation_of(image) == 1
        assert exif_of(image).get(0x0112) in (None, 0, 9)
