from __future__ import annotations

from itertools import combinations

import numpy as np

from fbinpaint_mm.datasets.procedural import PALETTE
from fbinpaint_mm.web.brush_palette import SMALLEST_DIFFERENCE, distinct_palette, to_hex


def test_distinct_colours_stay():
    assert np.array_equal(distinct_palette(PALETTE), PALETTE)


def test_equal_and_similar_colours_become_distinct():
    palette = [(10, 20, 30)] * 150 + [(12, 20, 30)] * 105

    distinct = distinct_palette(palette)

    assert distinct.dtype == np.uint8
    assert distinct[0].tolist() == [10, 20, 30]
    for one, other in combinations(distinct.astype(int), 2):
        assert np.abs(one - other).max() >= SMALLEST_DIFFERENCE


def test_no_class_no_colour():
    assert distinct_palette([]).shape == (0, 3)


def test_hex():
    assert to_hex((138, 0, 255)) == '#8a00ff'
