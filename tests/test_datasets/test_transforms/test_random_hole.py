import numpy as np
import pytest
from mmagic.datasets.transforms import LoadMask

from fbinpaint_mm.datasets import RandomHole


def holes(transform, height, width, number):
    np.random.seed(0)
    for _ in range(number):
        yield transform(dict(gt=np.zeros((height, width, 3), np.uint8)))['mask']


@pytest.mark.parametrize('mode', ['ff', 'bbox', 'irregular'])
@pytest.mark.parametrize('size', [(32, 32), (64, 128), (256, 256)])
def test_holes_fit_the_image_and_the_area_range(mode, size):
    for mask in holes(RandomHole(mode, (0.1, 0.6)), *size, 20):
        assert mask.shape == (*size, 1)
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) == {0, 1}
        assert 0.1 <= mask.mean() <= 0.6


@pytest.mark.parametrize('mode', ['ff', 'bbox', 'irregular'])
def test_area_does_not_depend_on_the_image_size(mode):
    small, large = (
        np.mean([mask.mean() for mask in holes(RandomHole(mode, (0, 1)), side, side, 100)])
        for side in (64, 256)
    )
    assert small == pytest.approx(large, abs=0.05)


def test_strokes_reach_every_part_of_an_oblong_image():
    covered = np.max(list(holes(RandomHole('ff'), 32, 96, 60)), axis=0)
    assert covered.mean() > 0.95


def test_it_is_mmagics_hole_at_the_reference_size():
    config = dict(num_vertices=(5, 9), brush_width=(20, 30), max_loops=6)
    np.random.seed(3)
    np.random.randint(1), np.random.randint(1)  # the two offsets of the crop, here always 0
    expected = LoadMask('ff', dict(img_shape=(256, 256), **config)).transform({})['mask']
    np.random.seed(3)
    actual = RandomHole('ff', (0, 1), config)(dict(gt=np.zeros((256, 256, 3))))['mask']
    np.testing.assert_array_equal(actual, expected)


def test_boxes_add_no_key_that_other_holes_lack():
    results = RandomHole('bbox')(dict(gt=np.zeros((64, 64, 3), np.uint8)))
    assert set(results) == {'gt', 'mask'}


def test_impossible_area():
    with pytest.raises(RuntimeError, match='none of 100 holes on 64x64 was inside area_range'):
        RandomHole('bbox', (0.9, 1.0))(dict(gt=np.zeros((64, 64, 3), np.uint8)))


def test_bad_settings():
    with pytest.raises(ValueError, match="mask_mode='file': expected one of ff, bbox, irregular"):
        RandomHole('file')
    with pytest.raises(ValueError, match='0 <= low < high <= 1'):
        RandomHole('ff', (0.5, 0.2))
