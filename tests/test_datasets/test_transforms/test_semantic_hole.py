from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.datasets.transforms import SemanticHole

FALLBACK = dict(type='FixedHole', seed=0, area_bins=[(0.3, 0.4)])


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    np.random.seed(0)


def _sample(gt_seg: np.ndarray, is_labeled: bool = True) -> dict:
    gt = np.zeros((*gt_seg.shape[:2], 3), np.uint8)
    return dict(gt=gt, gt_seg=gt_seg, is_labeled=is_labeled, sample_idx=0)


def _two_boxes() -> np.ndarray:
    """Class 3 in two boxes of 100 and 144 pixels on unknown ground."""
    gt_seg = np.full((40, 40, 1), 255, np.uint8)
    gt_seg[2:12, 2:12] = 3
    gt_seg[20:32, 20:32] = 3
    return gt_seg


def test_hole_is_a_class_of_the_image() -> None:
    hole = SemanticHole(FALLBACK, dilation_range=(0, 0), region_probability=0.0)
    gt_seg = _two_boxes()

    mask = hole(_sample(gt_seg))['mask']

    assert mask.shape == (40, 40, 1)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, gt_seg == 3)


def test_hole_is_one_connected_region() -> None:
    hole = SemanticHole(FALLBACK, dilation_range=(0, 0), region_probability=1.0)

    sizes = {int(hole(_sample(_two_boxes()))['mask'].sum()) for _ in range(20)}

    assert sizes == {100, 144}


def test_dilation_covers_the_outline() -> None:
    hole = SemanticHole(FALLBACK, dilation_range=(0.05, 0.05), region_probability=0.0)
    gt_seg = _two_boxes()

    mask = hole(_sample(gt_seg))['mask']

    assert (mask[gt_seg == 3] == 1).all()
    assert mask[7, 0] == 1
    assert mask.sum() > 244


def test_unlabelled_sample_leaks_nothing() -> None:
    """The hole is the fallback's, whatever a map that must not be read would say."""
    hole = SemanticHole(FALLBACK)
    unknown = np.full((40, 40, 1), 255, np.uint8)

    for gt_seg in (unknown, _two_boxes()):
        mask = hole(_sample(gt_seg, is_labeled=False))['mask']
        assert np.array_equal(mask, hole.fallback.hole(0, 40, 40))


@pytest.mark.parametrize('gt_seg', [np.zeros((40, 40, 1)), np.full((40, 40, 1), 255)])
def test_falls_back_where_no_class_fits(gt_seg: np.ndarray) -> None:
    hole = SemanticHole(FALLBACK)

    mask = hole(_sample(gt_seg.astype(np.uint8)))['mask']

    assert np.array_equal(mask, hole.fallback.hole(0, 40, 40))


def test_area_is_in_range() -> None:
    hole = SemanticHole(FALLBACK, area_range=(0.1, 0.4))
    gt_seg = np.repeat(np.arange(40, dtype=np.uint8) // 10, 40).reshape(40, 40, 1)

    areas = [hole(_sample(gt_seg))['mask'].mean() for _ in range(50)]

    assert 0.1 <= min(areas) < max(areas) <= 0.4


def test_bad_ranges_are_refused() -> None:
    with pytest.raises(ValueError, match='area_range is'):
        SemanticHole(FALLBACK, area_range=(0.5, 0.2))
    with pytest.raises(ValueError, match='dilation_range is'):
        SemanticHole(FALLBACK, dilation_range=(0.5, 2.0))
