import resource

import numpy as np
import pytest
import torch
from PIL import Image

from fbinpaint_mm.benchmark.picture_files import PictureFiles, write_png
from fbinpaint_mm.user_error import UserError


def test_pictures_come_back_as_rgb(tmp_path):
    files = PictureFiles(tmp_path)
    image = torch.zeros(3, 4, 5)
    image[0], image[1], image[2] = 10.4, 99.6, 300.0
    files.save('ours', 'images/a.jpg', image)
    assert files.path('ours', 'images/a.jpg') == tmp_path / 'ours' / 'a.png'
    loaded = files.load('ours', 'images/a.jpg')
    assert loaded.dtype == np.uint8
    assert loaded.shape == (4, 5, 3)
    assert loaded[2, 3].tolist() == [255, 100, 10]


def test_a_picture_that_cannot_be_written_whole_is_an_error(tmp_path):
    files = PictureFiles(tmp_path)
    files.save('ours', 'a', torch.zeros(3, 64, 64))
    before = files.path('ours', 'a').read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match='cannot write') as error:
            files.save('ours', 'a', torch.rand(3, 64, 64) * 255)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.filename == str(files.path('ours', 'a'))
    assert files.path('ours', 'a').read_bytes() == before
    assert sorted(path.name for path in (tmp_path / 'ours').iterdir()) == ['a.png', 'pictures.txt']


def test_gray_and_color_are_written_as_they_are(tmp_path):
    for shape in ((2, 3), (2, 3, 3)):
        image = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
        with Image.open(write_png(image, tmp_path / 'new' / 'a.png')) as found:
            assert (np.asarray(found) == image).all()


def test_samples_of_one_stem_have_files_of_their_own(tmp_path):
    files = PictureFiles(tmp_path)
    samples = ['a/x.png', 'b/x.png', 'c/x_2.png', 'd/x.png']
    names = [files.path('truth', sample).name for sample in samples]
    assert names == ['x.png', 'x_2.png', 'x_2_2.png', 'x_3.png']
    assert files.path('ours', 'b/x.png').name == 'x_2.png'


def test_a_missing_picture_is_named(tmp_path):
    files = PictureFiles(tmp_path)
    files.save('ours', 'a', torch.zeros(3, 2, 2))
    assert not files.are_of('ours', 'run 1')
    files.sign('ours', 'run 1')
    assert files.are_of('ours', 'run 1')
    assert not files.are_of('ours', 'run 2')
    files.clear('ours')
    assert not files.are_of('ours', 'run 1')
    assert not list((tmp_path / 'ours').iterdir())
    with pytest.raises(FileNotFoundError, match=r"no picture of 'b' by 'ours': .*b\.png"):
        files.load('ours', 'b')


def test_pictures_of_others_stay(tmp_path):
    files, mine = PictureFiles(tmp_path), tmp_path / 'ours/mine.png'
    files.save('ours', 'a', torch.zeros(3, 2, 2))
    mine.write_bytes(b'mine')
    for method in (files.check, files.clear):
        with pytest.raises(UserError, match=r'ours/mine\.png: no benchmark made this picture'):
            method('ours')
    assert mine.read_bytes() == b'mine'
    assert files.path('ours', 'a').is_file()


def test_what_a_killed_run_left_is_removed(tmp_path):
    PictureFiles(tmp_path).save('ours', 'caf\udce9.jpg', torch.zeros(3, 2, 2))
    later = PictureFiles(tmp_path)
    later.clear('ours')
    assert not list((tmp_path / 'ours').iterdir())
    later.clear('new')


@pytest.mark.parametrize('link', ['images', 'images/ours'])
def test_pictures_behind_a_link_stay(tmp_path, link):
    elsewhere = PictureFiles(tmp_path / 'elsewhere')
    elsewhere.save('ours', 'a', torch.zeros(3, 2, 2))
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(elsewhere.folder / link.partition('/')[2])
    with pytest.raises(UserError, match=f'{link} is a link'):
        PictureFiles(tmp_path / 'images').clear('ours')
    assert elsewhere.path('ours', 'a').is_file()
