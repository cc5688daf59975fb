from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.visualization import drawing


def test_colorize_gives_unknown_ids_black():
    palette = [(10, 20, 30), (40, 50, 60)]
    image = drawing.colorize(np.array([[0, 1], [255, -1]]), palette)
    assert image.dtype == np.uint8
    assert image.tolist() == [[[10, 20, 30], [40, 50, 60]], [[0, 0, 0], [0, 0, 0]]]


def test_default_colors_differ():
    palette = drawing.default_palette(19)
    assert palette.shape == (19, 3)
    assert len(np.unique(palette, axis=0)) == 19


def test_heat_grows_brighter_and_clips():
    image = drawing.heat(np.array([[-1.0, 0.0, 0.5, 1.0, 2.0]]))[0].astype(int)
    assert (image[0] == image[1]).all()
    assert (image[3] == image[4]).all()
    assert image[1].sum() < image[2].sum() < image[3].sum()


def test_gain_is_green_where_the_error_fell_and_red_where_it_rose():
    fell, same, rose = drawing.gain(np.array([[40.0, 8, 0]]), np.array([[0.0, 8, 40]]))[0]
    assert fell[1] > fell[0]
    assert rose[0] > rose[1]
    assert same.min() > 180


def test_only_the_hole_is_striped():
    image = np.full((8, 8, 3), 77, np.uint8)
    hole = np.zeros((8, 8), bool)
    hole[2:6, 2:6] = True
    striped = drawing.stripe_hole(image, hole, 2)
    assert (striped[~hole] == 77).all()
    assert {tuple(color) for color in striped[hole].tolist()} == set(drawing.HOLE_STRIPES)


def test_outline_stays_inside_the_hole():
    hole = np.zeros((7, 7), bool)
    hole[1:6, 1:6] = True
    image = drawing.outline(np.zeros((7, 7, 3), np.uint8), hole)
    line = (image == 255).all(-1)
    expected = hole.copy()
    expected[2:5, 2:5] = False
    assert (line == expected).all()


@pytest.mark.parametrize(
    ('shape', 'expected'),
    [((64, 64), 3), ((96, 128), 2), ((192, 192), 1), ((256, 256), 1), ((256, 1024), 1 / 2)],
)
def test_cells_are_scaled_by_whole_factors(shape, expected):
    assert drawing.cell_scale(*shape, smallest=192, largest=512) == expected


def test_enlarging_repeats_pixels_and_reducing_averages_images_only():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * 20
    assert (drawing.rescale(image, 3, smooth=True) == image.repeat(3, 0).repeat(3, 1)).all()
    big = image.repeat(2, 0).repeat(2, 1)
    assert (drawing.rescale(big, 0.5, smooth=True) == image).all()
    assert (drawing.rescale(big, 0.5, smooth=False) == image).all()
