from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.datasets.stable_random import StableRandom
from fbinpaint_mm.datasets.transforms.hole_drawing import draw_hole


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
    with pytest.raises(ValueError, match=r'2x2 has no hole .*Use a larger image'):
        draw_hole(StableRandom(0), 2, 2, (0.3, 0.4))
