import pytest
from PIL import Image

from fbinpaint_mm.datasets import file_checks
from fbinpaint_mm.datasets.corrupt_file_error import CorruptFileError
from fbinpaint_mm.datasets.file_checks import (
    choose_check,
    image_size,
    inspect_sample,
    natural_key,
    scan_folder,
)


def test_natural_key():
    stems = ['b/10', 'b/9', 'a', '10', '9', '09', '00e1', '0e1']
    assert sorted(stems, key=natural_key) == ['00e1', '0e1', '09', '9', '10', 'a', 'b/9', 'b/10']


def test_scan_folder_follows_links_and_ignores_other_files(tmp_path):
    (tmp_path / 'real/city').mkdir(parents=True)
    (tmp_path / 'real/city/2.PNG').touch()
    (tmp_path / 'real/city/notes.txt').touch()
    (tmp_path / 'images').mkdir()
    (tmp_path / 'images/linked').symlink_to(tmp_path / 'real/city')
    found = scan_folder(str(tmp_path / 'images'), ('.png',), 'img_path')
    assert found == {'linked/2': str(tmp_path / 'images/linked/2.PNG')}


def test_image_size_applies_exif_orientation(tmp_path):
    image = Image.new('RGB', (20, 10))
    exif = image.getexif()
    exif[274] = 6
    image.save(tmp_path / 'turned.jpg', exif=exif)
    assert image_size(str(tmp_path / 'turned.jpg')) == (10, 20)


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
        CorruptFileError, match=rf"^cannot read '{path}' \(Image size \(3072 pixels"
    ):
        inspect_sample(dict(gt_path=path, seg_map_path=None), 1, decode)
