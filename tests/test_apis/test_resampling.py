"""Smaller for the network and larger again, without a shift and without a leak."""

import cv2
import numpy as np
import pytest

from fbinpaint_mm.apis.hole_crop import Box, HoleCrop
from fbinpaint_mm.apis.resampling import enlarge, shrink, shrink_hole, shrink_labels

SIZES = [((60, 80), (30, 40)), ((61, 83), (20, 27)), ((100, 70), (33, 23)), ((50, 50), (50, 50))]


@pytest.mark.parametrize(('large', 'small'), SIZES)
def test_known_pixels_of_a_smaller_picture_know_nothing_of_the_hole(large, small):
    random = np.random.default_rng(0)
    hole = cv2.resize(random.random((9, 9)), large[::-1]) > 0.6
    image = random.integers(0, 256, (*large, 3), np.uint8)
    other = np.where(hole[..., None], 255 - image, image)
    kept = ~shrink_hole(hole, small)
    assert 0.2 < kept.mean() < 0.9
    assert np.array_equal(shrink(image, small)[kept], shrink(other, small)[kept])


@pytest.mark.parametrize('small', [(20, 20), (3, 7)])
def test_no_pixel_of_a_hole_is_lost_in_a_smaller_one(small):
    for y, x in ((0, 0), (99, 99), (37, 50), (49, 0)):
        hole = np.zeros((100, 100), bool)
        hole[y, x] = True
        shrunk = shrink_hole(hole, small)
        assert shrunk[y * small[0] // 100, x * small[1] // 100]
        assert 1 <= shrunk.sum() <= 4


@pytest.mark.parametrize(('large', 'small'), SIZES)
def test_smaller_and_larger_again_is_where_it_was(large, small):
    """A smooth picture comes back; half a pixel of shift would be seen."""
    y, x = np.mgrid[: large[0], : large[1]].astype(np.float32)
    image = 100 + 80 * np.sin(x / 20) + 60 * np.cos(y / 25)
    window = Box(7, 5, 7 + large[0], 5 + large[1])
    crop = HoleCrop(window, window, small)
    again = enlarge(shrink(image, small), crop, window, cv2.INTER_CUBIC)
    inner = slice(5, -5), slice(5, -5)
    assert np.abs(again - image)[inner].max() < 1
    if small != large:
        shift = np.abs(np.roll(again, 1, 1) - image)[inner].max()
        assert shift > 3


@pytest.mark.parametrize('interpolation', [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC])
@pytest.mark.parametrize('small', [(20, 30), (60, 90)])
def test_parts_are_cut_out_of_the_whole(small, interpolation):
    plane = np.random.default_rng(0).random(small).astype(np.float32)
    window = Box(10, 20, 70, 110)
    crop = HoleCrop(window, window, small)
    whole = enlarge(plane, crop, window, interpolation)
    assert whole.shape == (60, 90)
    for part in (Box(30, 41, 51, 100), Box(69, 20, 70, 110)):
        cut = whole[part.top - 10 : part.bottom - 10, part.left - 20 : part.right - 20]
        assert np.abs(enlarge(plane, crop, part, interpolation) - cut).max() < 1e-5


def test_channels_of_grey_and_labels_are_kept():
    assert shrink(np.zeros((20, 20, 1), np.uint8), (5, 5)).shape == (5, 5, 1)
    labels = np.repeat(np.repeat(np.array([[1, 7], [255, 3]], np.uint8), 8, 0), 8, 1)
    assert shrink_labels(labels, (2, 2)).tolist() == [[1, 7], [255, 3]]


def test_labels_are_those_of_the_middle():
    """Not of the corner: a map would be shifted by half a pixel of the smaller one."""
    labels = np.arange(81, dtype=np.uint8).reshape(9, 9)
    assert np.array_equal(shrink_labels(labels, (3, 3)), labels[1::3, 1::3])
