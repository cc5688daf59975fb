"""Holes that are the same on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from mmagic.registry import TRANSFORMS

from fbinpaint_mm.datasets.stable_random import StableRandom
from fbinpaint_mm.datasets.transforms import FixedHole
from fbinpaint_mm.datasets.transforms.hole_drawing import draw_hole
from fbinpaint_mm.user_error import UserError


@pytest.mark.parametrize('size', [(8, 8), (64, 64), (48, 128), (131, 37)])
@pytest.mark.parametrize('area_range', [(0.1, 0.2), (0.5, 0.6), (0.85, 0.95)])
def test_area_lies_strictly_inside_the_range(
    size: tuple[int, int], area_range: tuple[float, float]
) -> None:
    for key in range(20):
        mask = draw_hole(StableRandom(key), *size, area_range)

        assert mask.shape == size
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) == {0, 1}
        assert area_range[0] < mask.mean() < area_range[1]


def test_areas_fill_the_range() -> None:
    areas = [draw_hole(StableRandom(key), 64, 64, (0.2, 0.3)).mean() for key in range(100)]

    assert min(areas) < 0.22
    assert max(areas) > 0.28


def test_holes_are_strokes_boxes_and_both() -> None:
    """A union of a few boxes has few distinct rows; strokes have many."""
    masks = [draw_hole(StableRandom(key), 64, 64, (0.2, 0.4)) for key in range(30)]
    num_rows = [len(np.unique(mask, axis=0)) for mask in masks]

    assert min(num_rows) < 10
    assert max(num_rows) > 30


def test_a_range_without_a_whole_pixel_is_refused() -> None:
    with pytest.raises(UserError, match=r'2x2 has no hole .*Use a larger image'):
        draw_hole(StableRandom(0), 2, 2, (0.3, 0.4))


def _checksum(masks: list[np.ndarray]) -> str:
    return hashlib.sha256(b''.join(mask.tobytes() for mask in masks)).hexdigest()[:16]


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((64, 64), '3edebac004d10c39'),
        ((256, 256), '48d0eb51fa14cef0'),
        ((96, 160), 'e240ea9c70eb2a77'),
    ],
)
def test_holes_are_pinned(size: tuple[int, int], expected: str) -> None:
    """Published scores refer to these holes: a change here makes them incomparable."""
    hole = FixedHole(seed=0)

    assert _checksum([hole.hole(i, *size) for i in range(20)]) == expected


def test_bins_take_turns() -> None:
    hole = TRANSFORMS.build(dict(type='FixedHole', seed=1))
    gt = np.zeros((64, 48, 3), np.uint8)

    for sample_idx in range(15):
        results = hole(dict(gt=gt, sample_idx=sample_idx))

        low, high = hole.area_bins[sample_idx % 5]
        assert results['mask'].shape == (64, 48, 1)
        assert results['mask'].dtype == np.uint8
        assert low < results['hole_area'] < high
        assert results['hole_area'] == pytest.approx(results['mask'].mean())


def test_hole_depends_on_seed_and_sample_only() -> None:
    first, second = FixedHole(seed=0), FixedHole(seed=0)
    second.hole(3, 64, 64)

    assert np.array_equal(first.hole(7, 64, 64), second.hole(7, 64, 64))
    assert not np.array_equal(first.hole(7, 64, 64), first.hole(12, 64, 64))
    assert not np.array_equal(first.hole(7, 64, 64), FixedHole(seed=1).hole(7, 64, 64))


def test_further_holes_of_an_image_are_others_in_the_bins_that_follow() -> None:
    hole, gt = FixedHole(seed=0), np.zeros((64, 64, 3), np.uint8)

    found = [hole(dict(gt=gt, sample_idx=4, hole_index=index)) for index in range(3)]

    assert np.array_equal(found[0]['mask'], hole(dict(gt=gt, sample_idx=4))['mask'])
    for results, (low, high) in zip(found, [(0.5, 0.6), (0.1, 0.2), (0.2, 0.3)], strict=True):
        assert low < results['hole_area'] < high
    alone = [hole.hole(index, 64, 64) for index in range(10)]
    assert not any(np.array_equal(found[1]['mask'], other) for other in alone)


def test_global_random_state_is_left_alone() -> None:
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)

    FixedHole(seed=0).hole(0, 64, 64)

    assert np.random.random() == expected


def test_missing_sample_idx_is_named() -> None:
    with pytest.raises(UserError, match='FixedHole needs sample_idx'):
        FixedHole()(dict(gt=np.zeros((8, 8, 3), np.uint8)))


@pytest.mark.parametrize('area_bin', [(0.0, 0.2), (0.3, 0.3), (0.5, 1.2), (0.1,)])
def test_bad_bins_are_refused(area_bin: tuple[float, ...]) -> None:
    with pytest.raises(UserError, match='expected pairs'):
        FixedHole(area_bins=[area_bin])
