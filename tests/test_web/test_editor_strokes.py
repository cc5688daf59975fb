from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.web.editor_strokes import painted_classes, painted_hole

PALETTE = np.array([(200, 0, 0), (0, 0, 200), (100, 0, 100), (0, 200, 0)], np.uint8)
RED, BLUE, PURPLE, GREEN = ((*map(int, color), 255) for color in PALETTE)


@pytest.mark.parametrize('value', [None, dict(background=None, layers=[], composite=None)])
def test_nothing_is_painted(value):
    assert not painted_hole(value, (3, 4)).any()
    assert (painted_classes(value, PALETTE, (3, 4)) == 255).all()


def test_a_hole_is_what_any_layer_covers_by_half(strokes):
    value = strokes(
        ((4, 6), ((0, 0, 1, 2), (9, 9, 9, 128)), ((2, 0, 3, 2), (9, 9, 9, 127))),
        ((4, 6), ((3, 5, 4, 6), RED)),
    )

    hole = painted_hole(value, (4, 6))

    assert hole.dtype == bool
    assert np.argwhere(hole).tolist() == [[0, 0], [0, 1], [3, 5]]


@pytest.mark.parametrize(('shown', 'size'), [((40, 60), (4, 6)), ((4, 6), (40, 60))])
def test_a_hole_has_the_size_of_the_picture(strokes, shown, size):
    top, left, bottom, right = (side * shown[0] // 4 for side in (1, 2, 3, 5))

    hole = painted_hole(strokes((shown, ((top, left, bottom, right), RED))), size)

    expected = np.zeros((4, 6), bool)
    expected[1:3, 2:5] = True
    assert np.array_equal(hole, np.kron(expected, np.ones((size[0] // 4,) * 2)) > 0)


def test_classes_are_told_by_their_colours(strokes):
    almost_green = (1, 198, 2, 255)
    value = strokes(
        ((2, 4), ((0, 0, 2, 1), RED), ((0, 1, 1, 2), BLUE), ((0, 3, 1, 4), almost_green))
    )

    classes = painted_classes(value, PALETTE, (2, 4))

    assert classes.dtype == np.uint8
    assert classes.tolist() == [[0, 1, 255, 3], [0, 255, 255, 255]]


def test_what_is_on_top_counts(strokes):
    value = strokes(((1, 3), ((0, 0, 1, 2), RED)), ((1, 3), ((0, 1, 1, 3), BLUE)))

    assert painted_classes(value, PALETTE, (1, 3)).tolist() == [[0, 1, 1]]


def test_a_blended_edge_does_not_become_a_third_class(strokes):
    """Red and blue blend into purple's neighbourhood, and a soft edge loses colour."""
    between, soft = (95, 0, 105, 255), (150, 10, 10, 140)
    value = strokes(
        (
            (3, 8),
            ((0, 1, 3, 4), RED),
            ((0, 4, 3, 5), between),
            ((0, 5, 3, 8), BLUE),
            ((0, 0, 3, 1), soft),
        )
    )
    nearest_colour = np.abs(PALETTE.astype(int) - between[:3]).max(1).argmin()
    assert nearest_colour == 2

    classes = painted_classes(value, PALETTE, (3, 8))

    assert (classes[:, :4] == 0).all()
    assert set(classes[:, 4]) <= {0, 1}
    assert (classes[:, 5:] == 1).all()


def test_a_pixel_in_the_true_colour_keeps_its_class(strokes):
    value = strokes(((1, 3), ((0, 0, 1, 1), RED), ((0, 1, 1, 2), PURPLE), ((0, 2, 1, 3), BLUE)))

    assert painted_classes(value, PALETTE, (1, 3)).tolist() == [[0, 2, 1]]


def test_colours_that_a_browser_has_changed_are_matched_to_the_nearest(strokes):
    value = strokes(((1, 2), ((0, 0, 1, 1), (180, 20, 20, 255)), ((0, 1, 1, 2), (30, 170, 9, 255))))

    assert painted_classes(value, PALETTE, (1, 2)).tolist() == [[0, 3]]
