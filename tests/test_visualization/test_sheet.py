from __future__ import annotations

import numpy as np

from fbinpaint_mm.visualization import sheet
from fbinpaint_mm.visualization.sheet import Cell, Row


def test_legend_breaks_into_lines_that_fit():
    legend = [(f'class number {index}', (index, 0, 0)) for index in range(12)]
    lines = sheet.wrap_legend(legend, width=400)
    assert len(lines) > 1
    assert [name for line in lines for _, name, _ in line] == [name for name, _ in legend]
    assert all(line[0][0] == 0 for line in lines)
    assert all(x < 400 for line in lines for x, _, _ in line)


def test_no_legend_is_no_line():
    assert sheet.wrap_legend([], width=400) == []


def test_pictures_stand_in_columns_enlarged():
    red, blue = (np.full((64, 64, 3), color, np.uint8) for color in ((255, 0, 0), (0, 0, 255)))
    rows = [Row('first', [Cell(red, 'a'), Cell(blue, 'b')]), Row('second', [Cell(), Cell(red)])]
    image = sheet.lay_out('title', ['one', 'two'], rows, [], (64, 64), scale=3)
    is_red, is_blue = ((image == color).all(-1) for color in ((255, 0, 0), (0, 0, 255)))
    assert is_red.sum() == 2 * 192 * 192
    assert is_blue.sum() == 192 * 192
    left = np.flatnonzero(is_blue.any(0))[0]
    assert np.flatnonzero(is_red.any(0))[0] < left
    second = is_red[:, left:]
    assert np.flatnonzero(second.any(1))[0] > np.flatnonzero(is_blue.any(1))[-1]


def test_an_outline_is_drawn_after_enlarging():
    region = np.zeros((64, 64), bool)
    region[16:48, 16:48] = True
    cell = Cell(np.zeros((64, 64, 3), np.uint8), outline=region)
    image = sheet.lay_out('', ['one'], [Row('', [cell])], [], (64, 64), scale=3)
    rows, columns = np.where((image == 0).all(-1))
    inside = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert inside.shape == (192, 192, 3)
    assert (inside == 255).all(-1).sum() == 4 * 96 - 4
