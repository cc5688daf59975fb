from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from mmagic.structures import DataSample

from fbinpaint_mm.benchmark.result_folder import ResultFolder, check_results, folder_content
from fbinpaint_mm.user_error import UserError

SIZES = {'data/a.jpg': (6, 8), 'data/b.jpg': (6, 8), 'data/c.png': (4, 8)}


@pytest.fixture
def results(tmp_path):
    """A folder with a result of each image, and what is none of them."""
    for sample, size in SIZES.items():
        name = f'{sample[5]}.png'
        cv2.imwrite(str(tmp_path / name), np.full((*size, 3), ord(name[0]), np.uint8))
    (tmp_path / '._a.png').write_bytes(b'hidden')
    (tmp_path / 'notes.txt').touch()
    return tmp_path


def answer(folder, picture, name='a.png'):
    """What stands for the result of a 2 x 4 image with a hole in its first row."""
    cv2.imwrite(str(folder / name), picture)
    image = torch.arange(24, dtype=torch.uint8).reshape(3, 2, 4)
    mask = torch.tensor([[[1, 1, 1, 1], [0, 0, 0, 0]]])
    sample = DataSample(gt_img=image, mask=mask, metainfo=dict(gt_path='data/a.jpg'))
    batch = dict(inputs=[image], data_samples=[sample])
    (found,) = ResultFolder(folder).test_step(batch)
    return found.output.pred_img, image


def test_the_hole_is_that_of_the_result_and_the_rest_that_of_the_image(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (2, 4, 3), dtype=np.uint8)
    found, image = answer(tmp_path, picture)
    assert found.dtype == torch.float32
    assert found[:, 0].permute(1, 0).tolist() == picture[0].tolist()
    assert torch.equal(found[:, 1], image[:, 1].float())


@pytest.mark.parametrize(('value', 'dtype'), [(100, np.uint8), (25700, np.uint16)])
def test_gray_and_16_bits_are_the_same_colors(tmp_path, value, dtype):
    found, _ = answer(tmp_path, np.full((2, 4), value, dtype))
    assert (found[:, 0] == 100).all()


def test_results_that_fit_are_found(results):
    check_results(results, SIZES)
    check_results(results, {'data/b.jpg': (6, 8)}, is_subset=True)
    assert list(folder_content(results)) == ['a.png', 'b.png', 'c.png']


def test_all_that_does_not_fit_is_named_at_once(results):
    (results / 'a.png').rename(results / 'a_result.png')
    with pytest.raises(UserError) as error:
        check_results(results, {**SIZES, 'data/c.png': (4, 9)})
    for words in (
        f'{results}: results do not fit the 3 images',
        '1 missing (a.png)',
        '1 of no image (a_result.png)',
        '1 of another size (c.png is 4 x 8, expected 4 x 9)',
    ):
        assert words in str(error.value)
    with pytest.raises(UserError, match='1 of no image'):
        check_results(results, {'data/a_result.png': (6, 8), 'data/b.jpg': (6, 8)})


def test_a_damaged_result_is_named(results):
    (results / 'b.png').write_bytes((results / 'b.png').read_bytes()[:60])
    with pytest.raises(UserError, match=r'b\.png'):
        check_results(results, SIZES)


def test_images_that_would_share_a_result_are_named(results):
    sizes = {**SIZES, 'other/a.png': (6, 8)}
    message = r'the result of other/a\.png and that of data/a\.jpg would both be called a\.png'
    with pytest.raises(UserError, match=message):
        check_results(results, sizes)


def test_another_result_is_another_content(results):
    before = folder_content(results)
    cv2.imwrite(str(results / 'b.png'), np.zeros((6, 8, 3), np.uint8))
    after = folder_content(results)
    assert {name for name in before if before[name] != after[name]} == {'b.png'}
