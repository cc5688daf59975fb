import numpy as np
import pytest
import torch

from fbinpaint_mm.benchmark.picture_files import PictureFiles


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
