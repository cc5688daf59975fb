"""Dictated maps are checked before anything runs."""

import numpy as np
import pytest

from fbinpaint_mm.apis.semantic_edit import read_dictated_map

SIZE = (2, 3)
MAP = np.array([[0, 1, 2], [3, 255, 0]])
MASK = np.array([[True, False, True], [False, False, False]])


def test_nothing_is_dictated_where_the_map_is_255_or_outside_the_mask():
    found = read_dictated_map(MAP, None, SIZE, 4)
    assert found.dtype == np.uint8
    assert np.array_equal(found, MAP)
    found = read_dictated_map(MAP, MASK, SIZE, 4)
    assert found.tolist() == [[0, 255, 2], [255, 255, 255]]
    assert read_dictated_map(None, None, SIZE, 4) is None


@pytest.mark.parametrize(
    ('semantic_map', 'mask', 'num_classes', 'message'),
    [
        (None, MASK, 4, 'semantic_map_mask is given without a semantic_map'),
        (MAP, None, 0, r'this model has no semantics \(segmentor=None\) and reads none'),
        (MAP.T, None, 4, r'semantic_map: found shape \(3, 2\), expected .* image, \(2, 3\)'),
        (MAP, MASK[:1], 4, r'semantic_map_mask: found shape \(1, 3\), expected'),
        (MAP * 1.0, None, 4, 'semantic_map: found data type float64, expected integers'),
        (MAP, MASK * 1.0, 4, 'semantic_map_mask: found data type float64, expected bool, or 0'),
        (MAP, None, 3, r'class id 3 is out of range, expected 0\.\.2, or 255'),
        (-MAP, MASK, 4, r'class id -2 is out of range, expected 0\.\.3'),
        (MAP, np.ones(SIZE, bool), 4, 'class id 255 is out of range'),
    ],
)
def test_maps_that_do_not_fit_are_refused(semantic_map, mask, num_classes, message):
    with pytest.raises(ValueError, match=message):
        read_dictated_map(semantic_map, mask, SIZE, num_classes)
