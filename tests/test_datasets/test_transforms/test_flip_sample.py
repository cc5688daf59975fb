import numpy as np

from fbinpaint_mm.datasets import FlipSample


def sample(**kwargs):
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    label = np.array([[4, 5, 255], [1, 4, 4]], dtype=np.uint8)[..., None]
    return dict(gt=image, gt_seg=label, **kwargs)


def test_mirrors_and_exchanges_sides():
    results = FlipSample(probability=1.0)(sample(flip_pairs=[(4, 5)]))
    np.testing.assert_array_equal(results['gt'], np.fliplr(sample()['gt']))
    np.testing.assert_array_equal(results['gt_seg'][..., 0], [[255, 4, 5], [5, 5, 1]])


def test_without_pairs_ids_stay():
    results = FlipSample(probability=1.0)(sample())
    np.testing.assert_array_equal(results['gt_seg'][..., 0], [[255, 5, 4], [4, 4, 1]])


def test_twice_is_the_identity():
    flip = FlipSample(probability=1.0)
    results = flip(flip(sample(flip_pairs=[(4, 5)])))
    np.testing.assert_array_equal(results['gt_seg'], sample()['gt_seg'])


def test_probability():
    np.random.seed(0)
    untouched = sample()['gt']
    flips = [not np.array_equal(FlipSample(0.3)(sample())['gt'], untouched) for _ in range(300)]
    assert 0.22 < np.mean(flips) < 0.38
    np.testing.assert_array_equal(FlipSample(0.0)(sample())['gt'], untouched)
