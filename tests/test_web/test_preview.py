from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.web.preview import fit_screen, for_screen


def test_rgb_is_shown_as_it_is(picture):
    assert np.array_equal(for_screen(picture), picture)


@pytest.mark.parametrize('shape', [(1, 2), (1, 2, 1)])
def test_grey_of_16_bits_becomes_rgb_of_8(shape):
    grey = np.array([0, 257 * 99], np.uint16).reshape(shape)

    shown = for_screen(grey)

    assert shown.dtype == np.uint8
    assert shown.tolist() == [[[0] * 3, [99] * 3]]


def test_what_is_transparent_is_white():
    image = np.array([[(10, 20, 30, 0), (10, 20, 30, 255), (0, 0, 0, 51)]], np.uint8)

    assert for_screen(image).tolist() == [[[255] * 3, [10, 20, 30], [204] * 3]]
    assert for_screen(image[..., 2:]).tolist() == [[[255] * 3, [30] * 3, [204] * 3]]


def test_a_small_picture_is_enlarged_without_blur(picture):
    shown = fit_screen(picture)

    assert np.array_equal(shown, np.kron(picture, np.ones((8, 8, 1), np.uint8)))


def test_a_large_picture_is_reduced():
    image = np.zeros((600, 3000, 3), np.uint8)
    image[::3] = 90

    assert fit_screen(image).shape == (200, 1000, 3)
    assert set(np.unique(fit_screen(image))) == {30}, 'averaged'
    assert set(np.unique(fit_screen(image[..., 0], smooth=False))) <= {0, 90}
