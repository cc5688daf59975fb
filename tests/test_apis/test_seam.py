"""Colours meet at the edge of a hole."""

import cv2
import numpy as np
import pytest

from fbinpaint_mm.apis.hole_crop import Box, HoleCrop
from fbinpaint_mm.apis.resampling import enlarge, shrink, shrink_hole
from fbinpaint_mm.apis.seam import close_seam


def smooth(height, width):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([90 + 0.5 * x, 60 + 0.4 * y, 120 + 20 * np.sin(x / 30)], -1)


def ellipse(height, width):
    y, x = np.mgrid[:height, :width]
    return ((y / height - 0.5) / 0.3) ** 2 + ((x / width - 0.5) / 0.35) ** 2 < 1


def jump_at_the_edge(image, hole):
    """Mean difference of neighbours of which one is known and one is not."""
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
    small, small_hole = shrink(truth, size), shrink_hole(hole, size)
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
