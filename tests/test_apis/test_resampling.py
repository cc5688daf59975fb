"""Smaller or larger for the network and back again, without a shift, a leak or a seam."""

import cv2
import numpy as np
import pytest

from fbinpaint_mm.apis.hole_crop import Box, HoleCrop
from fbinpaint_mm.apis.resampling import close_seam, enlarge, resize, resize_hole, resize_labels

SIZES = [((60, 80), (30, 40)), ((61, 83), (20, 27)), ((100, 70), (33, 23)), ((50, 50), (50, 50))]
LARGER = [((30, 40), (60, 80)), ((20, 27), (61, 83)), ((50, 47), (64, 60))]


@pytest.mark.parametrize(('given', 'seen'), SIZES + LARGER)
def test_known_pixels_of_another_size_know_nothing_of_the_hole(given, seen):
    random = np.random.default_rng(0)
    hole = cv2.resize(random.random((9, 9)), given[::-1]) > 0.6
    image = random.integers(0, 256, (*given, 3), np.uint8)
    other = np.where(hole[..., None], 255 - image, image)
    kept = ~resize_hole(hole, seen)
    assert 0.2 < kept.mean() < 0.9
    assert np.array_equal(resize(image, seen)[kept], resize(other, seen)[kept])


@pytest.mark.parametrize(('given', 'seen'), LARGER)
def test_what_comes_back_from_a_larger_picture_is_the_hole_and_where_it_was(given, seen):
    """Every pixel of the hole is of enlarged pixels that are painted, and none is shifted."""
    hole = np.random.default_rng(0).random(given) > 0.9
    painted = resize(resize_hole(hole, seen).astype(np.float32), given)
    assert (painted[hole] > 0.999).all()
    y, x = np.mgrid[: given[0], : given[1]].astype(np.float32)
    image = 3 * x + 2 * y
    inner = slice(2, -2), slice(2, -2)
    assert np.abs(resize(resize(image, seen), given) - image)[inner].max() < 0.5


def test_labels_come_back_from_a_larger_picture_as_they_were():
    labels = np.random.default_rng(0).integers(0, 5, (30, 41), np.uint8)
    window = Box(0, 0, 30, 41)
    crop = HoleCrop(window, window, (73, 100))
    assert np.array_equal(
        enlarge(resize_labels(labels, crop.size), crop, window, cv2.INTER_NEAREST), labels
    )


@pytest.mark.parametrize('small', [(20, 20), (3, 7)])
def test_no_pixel_of_a_hole_is_lost_in_a_smaller_one(small):
    for y, x in ((0, 0), (99, 99), (37, 50), (49, 0)):
        hole = np.zeros((100, 100), bool)
        hole[y, x] = True
        shrunk = resize_hole(hole, small)
        assert shrunk[y * small[0] // 100, x * small[1] // 100]
        assert 1 <= shrunk.sum() <= 4


@pytest.mark.parametrize(('large', 'small'), SIZES)
def test_smaller_and_larger_again_is_where_it_was(large, small):
    """A smooth picture comes back; half a pixel of shift would be seen."""
    y, x = np.mgrid[: large[0], : large[1]].astype(np.float32)
    image = 100 + 80 * np.sin(x / 20) + 60 * np.cos(y / 25)
    window = Box(7, 5, 7 + large[0], 5 + large[1])
    crop = HoleCrop(window, window, small)
    again = enlarge(resize(image, small), crop, window, cv2.INTER_CUBIC)
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


def test_channels_of_gray_and_labels_are_kept():
    assert resize(np.zeros((20, 20, 1), np.uint8), (5, 5)).shape == (5, 5, 1)
    labels = np.repeat(np.repeat(np.array([[1, 7], [255, 3]], np.uint8), 8, 0), 8, 1)
    assert resize_labels(labels, (2, 2)).tolist() == [[1, 7], [255, 3]]


def test_labels_are_those_of_the_middle():
    """Not of the corner: a map would be shifted by half a pixel of the smaller one."""
    labels = np.arange(81, dtype=np.uint8).reshape(9, 9)
    assert np.array_equal(resize_labels(labels, (3, 3)), labels[1::3, 1::3])


def smooth(height, width):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([90 + 0.5 * x, 60 + 0.4 * y, 120 + 20 * np.sin(x / 30)], -1)


def ellipse(height, width):
    y, x = np.mgrid[:height, :width]
    return ((y / height - 0.5) / 0.3) ** 2 + ((x / width - 0.5) / 0.35) ** 2 < 1


def jump_at_the_edge(image, hole):
    """Mean difference of neighbors of which one is known and one is not."""
    across = hole[:, 1:] != hole[:, :-1]
    return np.abs(image[:, 1:] - image[:, :-1])[across].mean()


@pytest.mark.parametrize('off', [(25.0, -25.0, 10.0), (0.0, 0.0, 0.0)])
def test_an_offset_of_the_network_is_taken_back_at_the_edge_and_fades(off):
    truth, hole = smooth(100, 120), ellipse(100, 120)
    raw = truth + np.float32(off)
    composite = np.where(hole[..., None], raw, truth)
    given = composite.copy()
    closed = close_seam(composite, raw, hole)
    assert np.array_equal(composite, given)
    assert np.array_equal(closed[~hole], truth[~hole])
    assert jump_at_the_edge(closed, hole) < jump_at_the_edge(truth, hole) + 0.5
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    assert np.abs(closed - raw)[depth > 24].max() < 0.1
    if any(off):
        assert jump_at_the_edge(composite, hole) > 10


def test_an_edge_of_the_picture_along_the_hole_stays():
    """What the network painted right is not smoothed, although it differs from what is beside."""
    hole = ellipse(100, 120)
    raw = np.where(hole[..., None], np.float32(200), np.float32(50)).repeat(3, 2)
    assert np.array_equal(close_seam(raw, raw, hole), raw)


def test_where_nothing_is_known_nothing_changes():
    raw = smooth(20, 20)
    assert np.array_equal(close_seam(raw, raw + 9, np.ones((20, 20), bool)), raw)


@pytest.mark.parametrize('factor', [2, 5])
def test_no_seam_is_left_when_the_painting_is_scaled_up(factor):
    truth, hole = smooth(300, 400), ellipse(300, 400)
    size = 300 // factor, 400 // factor
    window = Box(0, 0, 300, 400)
    crop = HoleCrop(window, window, size)
    small, small_hole = resize(truth, size), resize_hole(hole, size)
    raw = small + 25
    composite = np.where(small_hole[..., None], raw, small)
    jumps = {}
    for name, painted in (
        ('open', composite),
        ('closed', close_seam(composite, raw, small_hole)),
    ):
        large = enlarge(np.ascontiguousarray(painted), crop, window, cv2.INTER_CUBIC)
        jumps[name] = jump_at_the_edge(np.where(hole[..., None], large, truth), hole)
    assert jumps['closed'] < jump_at_the_edge(truth, hole) + 1
    assert jumps['open'] > 5 * jumps['closed']
