"""Only harmless formats are opened, and what is wrong with a file is said in one sentence."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from fbinpaint_mm.picture_file import FORMATS, open_picture
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
