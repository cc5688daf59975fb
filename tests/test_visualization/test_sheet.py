from __future__ import annotations

import numpy as np

from fbinpaint_mm.visualization import sheet
from fbinpaint_mm.visualization.sheet import Cell, Note, Row


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


def test_notes_stand_below_the_caption_and_make_room_for_themselves():
    black = np.zeros((64, 64, 3), np.uint8)
    notes = [Note('first'), Note('second', bold=True)]
    assert Cell(black, 'caption', notes=notes).lines == [Note('caption'), *notes]
    assert Cell(black, notes=notes).lines == notes
    plain, noted = (
        sheet.lay_out('', ['one'], [Row('', [cell])] * 2, [], (64, 64), scale=3)
        for cell in (Cell(black, 'caption'), Cell(black, 'caption', notes=notes))
    )
    assert noted.shape[0] - plain.shape[0] == 2 * 2 * sheet.LINE
    below = noted[sheet.MARGIN + 2 * sheet.LINE + 192 + sheet.LINE + 4 :][: 2 * sheet.LINE]
    assert (below < 128).any()


def test_headings_wider_than_the_pictures_are_not_cut():
    cell = Cell(np.zeros((64, 64, 3), np.uint8))
    heading = 'a heading that says a lot more than there is room for above one small picture'
    image = sheet.lay_out('', ['one'], [Row(heading, [cell])], [], (64, 64), scale=1)
    top = sheet.MARGIN + sheet.LINE
    written = np.flatnonzero((image[top : top + sheet.LINE] < 200).any(axis=(0, 2)))
    assert written[-1] <= image.shape[1] - sheet.MARGIN
    assert written[-1] > 400


def test_long_headers_are_broken_and_end_on_the_same_line():
    cells = [Cell(np.zeros((64, 64, 3), np.uint8))] * 2
    short, long = (
        sheet.lay_out('', ['one', name], [Row('', cells)], [], (64, 64), scale=1)
        for name in ('two', 'feedback_without_recorrection')
    )
    assert long.shape[0] == short.shape[0] + sheet.LINE
    assert long.shape[1] == short.shape[1]
    half = short.shape[1] // 2
    np.testing.assert_array_equal(long[sheet.LINE :, :half], short[:, :half])
