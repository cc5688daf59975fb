from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.evaluation import HoleAreaBins


def test_names_are_percent():
    assert HoleAreaBins().names == ('10-20', '20-30', '30-40', '40-50', '50-60')
    assert HoleAreaBins((0, 0.125, 1 / 3, 1)).names == ('0-12.5', '12.5-33.3333', '33.3333-100')


def test_bins_are_half_open_and_the_last_one_is_closed():
    bins = HoleAreaBins((0.1, 0.2, 0.3))
    expected = {0.1: 0, 0.15: 0, 0.2: 1, 0.25: 1, 0.3: 1}
    assert {area: bins.index(area) for area in expected} == expected
    assert bins.name(0.1) == '10-20'
    assert bins.name(0.2) == bins.name(0.3) == '20-30'


def test_edges_have_no_tolerance():
    bins = HoleAreaBins((0.1, 0.2, 0.3))
    assert bins.index(np.nextafter(0.2, 0)) == 0
    assert bins.index(np.nextafter(0.1, 0)) is None
    assert bins.index(np.nextafter(0.3, 1)) is None
    for pixels in range(101):  # of an image of 10x10
        expected = 0 if 10 <= pixels < 20 else 1 if 20 <= pixels <= 30 else None
        assert bins.index(pixels / 100) == expected


@pytest.mark.parametrize('area', [0.0, 0.61, 1.0, float('nan')])
def test_outside_every_bin_there_is_none(area):
    assert HoleAreaBins().index(area) is None
    assert HoleAreaBins().name(area) is None


def test_assign_numbers_every_image():
    found = HoleAreaBins((0.1, 0.2, 0.3)).assign([0.3, 0.05, 0.1, float('nan'), 0.25])
    assert found.tolist() == [1, -1, 0, -1, 1]
    assert HoleAreaBins().assign([]).shape == (0,)


@pytest.mark.parametrize(
    'edges', [(), (0.1,), (0.2, 0.1), (0.1, 0.1), (-0.1, 0.5), (0.5, 1.1), (0.1, float('nan'))]
)
def test_senseless_edges_are_refused(edges):
    with pytest.raises(ValueError, match='expected two or more shares of the image that increase'):
        HoleAreaBins(edges)
