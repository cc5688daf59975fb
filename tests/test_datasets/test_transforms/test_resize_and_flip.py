"""Image and label map move together."""

import numpy as np
import pytest

from fbinpaint_mm.datasets import FlipSample, ResizeSample
from fbinpaint_mm.user_error import UserError


def sample(height, width, **kwargs):
    """Every pixel of image and map holds its own position, so that misalignment shows."""
    row = np.broadcast_to(np.arange(height)[:, None], (height, width))
    column = np.broadcast_to(np.arange(width), (height, width))
    image = np.stack([row, column, row], axis=-1).astype(np.uint8)
    return dict(gt=image, gt_seg=column.astype(np.uint8)[..., None].copy(), **kwargs)


def test_exact_size_whatever_the_aspect_ratio():
    results = ResizeSample()(sample(40, 60, image_size=(16, 32)))
    assert results['gt'].shape == (16, 32, 3)
    assert results['gt_seg'].shape == (16, 32, 1)
    assert results['gt'].dtype == results['gt_seg'].dtype == np.uint8


def test_right_size_is_left_alone():
    results = sample(16, 32, image_size=(16, 32))
    before = {key: results[key].copy() for key in ('gt', 'gt_seg')}
    results = ResizeSample()(results)
    np.testing.assert_array_equal(results['gt'], before['gt'])
    np.testing.assert_array_equal(results['gt_seg'], before['gt_seg'])


def test_halving_averages_the_image_and_picks_labels():
    results = sample(8, 8, image_size=(4, 4))
    results['gt'] = results['gt'] * 4
    results['gt_seg'][...] = np.where(results['gt_seg'] < 4, 3, 200)
    results = ResizeSample()(results)
    blocks = (np.arange(8) * 4).reshape(4, 2).mean(axis=1)
    np.testing.assert_array_equal(results['gt'][:, 0, 0], blocks)
    assert set(np.unique(results['gt_seg'])) == {3, 200}


def test_crop_takes_image_and_map_at_one_position():
    np.random.seed(0)
    offsets = set()
    for _ in range(20):
        results = ResizeSample(crop=True)(sample(16, 48, image_size=(16, 16)))
        assert results['gt'].shape == (16, 16, 3)
        np.testing.assert_array_equal(results['gt'][..., 1], results['gt_seg'][..., 0])
        offsets.add(int(results['gt_seg'][0, 0, 0]))
    assert len(offsets) > 5
    assert max(offsets) <= 32


@pytest.mark.parametrize(('height', 'width'), [(100, 50), (50, 100), (33, 47), (10, 12)])
def test_crop_covers_the_target_from_any_shape(height, width):
    np.random.seed(0)
    transform = ResizeSample(crop=True, scale_range=(1.0, 1.5))
    for _ in range(10):
        results = transform(sample(height, width, image_size=(16, 24)))
        assert results['gt'].shape == (16, 24, 3)
        assert results['gt_seg'].shape == (16, 24, 1)
        assert results['gt'].flags['C_CONTIGUOUS']


def test_own_size_wins_and_no_size_is_an_error():
    assert ResizeSample(image_size=8)(sample(16, 16, image_size=(4, 4)))['gt'].shape == (8, 8, 3)
    with pytest.raises(UserError, match='needs image_size'):
        ResizeSample()(sample(16, 16))


@pytest.mark.parametrize('scale_range', [(0.5, 1.0), (1.5, 1.2)])
def test_bad_scale_range(scale_range):
    with pytest.raises(UserError, match='1 <= low <= high'):
        ResizeSample(scale_range=scale_range)


def face(**kwargs):
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    label = np.array([[4, 5, 255], [1, 4, 4]], dtype=np.uint8)[..., None]
    return dict(gt=image, gt_seg=label, **kwargs)


def test_flip_mirrors_and_exchanges_sides():
    results = FlipSample(probability=1.0)(face(flip_pairs=[(4, 5)]))
    np.testing.assert_array_equal(results['gt'], np.fliplr(face()['gt']))
    np.testing.assert_array_equal(results['gt_seg'][..., 0], [[255, 4, 5], [5, 5, 1]])


def test_flip_without_pairs_ids_stay():
    results = FlipSample(probability=1.0)(face())
    np.testing.assert_array_equal(results['gt_seg'][..., 0], [[255, 5, 4], [4, 4, 1]])


def test_flip_twice_is_the_identity():
    flip = FlipSample(probability=1.0)
    results = flip(flip(face(flip_pairs=[(4, 5)])))
    np.testing.assert_array_equal(results['gt_seg'], face()['gt_seg'])


def test_probability_to_flip():
    np.random.seed(0)
    untouched = face()['gt']
    flips = [not np.array_equal(FlipSample(0.3)(face())['gt'], untouched) for _ in range(300)]
    assert 0.22 < np.mean(flips) < 0.38
    np.testing.assert_array_equal(FlipSample(0.0)(face())['gt'], untouched)
