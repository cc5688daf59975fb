from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.evaluation import HoleAreaBins
from fbinpaint_mm.user_error import UserError


def test_names_are_percent():
    assert HoleAreaBins().names == ('10-20', '20-30', '30-40', '40-50', '50-60')
    assert HoleAreaBins((0, 0.125, 1 / 3, 1)).names == ('0-12.5', '12.5-33.3333', '33.3333-100')


def test_bins_are_half_open_and_the_last_one_is_closed():
    bins = HoleAreaBins((0.1, 0.2, 0.3))
    assert bins.assign([0.1, 0.15, 0.2, 0.25, 0.3]).tolist() == [0, 0, 1, 1, 1]


def test_edges_have_no_tolerance():
    bins = HoleAreaBins((0.1, 0.2, 0.3))
    beside = [np.nextafter(0.2, 0), np.nextafter(0.1, 0), np.nextafter(0.3, 1)]
    assert bins.assign(beside).tolist() == [0, -1, -1]
    pixels = np.arange(101)  # of an image of 10x10
    expected = np.select(
        [(pixels >= 10) & (pixels < 20), (pixels >= 20) & (pixels <= 30)], [0, 1], -1
    )
    assert np.array_equal(bins.assign(pixels / 100), expected)


def test_outside_every_bin_there_is_none():
    assert HoleAreaBins().assign([0.0, 0.61, 1.0, float('nan')]).tolist() == [-1] * 4
    assert HoleAreaBins().assign([]).shape == (0,)


@pytest.mark.parametrize(
    'edges', [(), (0.1,), (0.2, 0.1), (0.1, 0.1), (-0.1, 0.5), (0.5, 1.1), (0.1, float('nan'))]
)
def test_senseless_edges_are_refused(edges):
    with pytest.raises(UserError, match='expected two or more shares of the image that increase'):
        HoleAreaBins(edges)
