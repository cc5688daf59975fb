from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.visualization import sheet
from fbinpaint_mm.visualization.sheet import Cell, Row

BLACK = np.zeros((64, 64, 3), np.uint8)


def draw(*cells, title='', headers=None, heading='', legend=(), scale=1):
    """A sheet of one row."""
    headers = [''] * len(cells) if headers is None else headers
    return sheet.lay_out(title, headers, [Row(heading, [*cells])], legend, (64, 64), scale)


def test_legend_stands_in_columns_that_fit():
    legend = [(f'class number {index}', (index, 0, 0)) for index in range(12)]
    places = sheet.place_keys(legend, left=10, top=20, right=400)
    assert len(set(places)) == 12
    assert places[0] == (10, 20)
    columns = sorted({x for x, _ in places})
    assert len(columns) == 3
    assert sorted({y for _, y in places}) == [20 + line * sheet.LINE for line in range(4)]
    names = max(sheet.text_width(name, sheet.SMALL) for name, _ in legend)
    assert columns[-1] + sheet.LINE + names <= 400


def test_no_legend_is_no_line():
    assert sheet.place_keys([], left=10, top=20, right=400) == []


def test_legend_and_keys_show_their_colors():
    image = draw(Cell(BLACK), Cell(keys=[('key', (9, 8, 7))]), legend=[('a class', (70, 80, 90))])
    for color in ((9, 8, 7), (70, 80, 90)):
        assert (image == color).all(-1).sum() == (sheet.SMALL - 1) ** 2


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
    image = draw(Cell(BLACK, outline=region), scale=3)
    rows, columns = np.where((image == 0).all(-1))
    inside = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert inside.shape == (192, 192, 3)
    assert (inside == 255).all(-1).sum() == 4 * 96 - 4


def test_captions_make_room_for_their_lines_and_some_are_bold():
    none, plain, bold = (
        draw(Cell(BLACK, caption, lines), scale=3)
        for caption, lines in (('', ()), ('first\nsecond', ()), ('first\nsecond', [1]))
    )
    assert plain.shape[0] - none.shape[0] == 2 * sheet.LINE
    second = none.shape[0] - sheet.MARGIN - sheet.GAP + sheet.LINE
    assert (plain[:second] == bold[:second]).all()
    assert bold[second:].sum() < plain[second:].sum()


def test_headings_wider_than_the_pictures_are_not_cut():
    heading = 'a heading that says a lot more than there is room for above one small picture'
    image = draw(Cell(BLACK), heading=heading)
    line = image[sheet.MARGIN : sheet.MARGIN + sheet.LINE]
    written = np.flatnonzero((line < 200).any(axis=(0, 2)))
    assert written[-1] <= image.shape[1] - sheet.MARGIN
    assert written[-1] > 400


def test_pictures_without_captions_stand_close_together():
    assert draw(Cell(BLACK), Cell(BLACK)).shape[1] == 2 * sheet.MARGIN + 2 * 64 + sheet.GAP


@pytest.mark.parametrize(
    ('text', 'lines'),
    [
        ('short', ['short']),
        ('', []),
        ('feedback_without_recorrection', ['feedback_', 'without_', 'recorrection']),
        ('one two-three', ['one two-', 'three']),
        ('m' * 20, ['m' * 12, 'm' * 8]),
    ],
)
def test_names_are_broken_after_words(text, lines):
    assert [line.rstrip() for line in sheet.break_lines(text, 12)] == lines


def test_long_headers_are_broken_and_end_on_the_same_line():
    cells = [Cell(BLACK, 'caption')] * 2
    short, long = (
        draw(*cells, headers=['one', name]) for name in ('two', 'feedback_without_recorrection')
    )
    assert long.shape[0] == short.shape[0] + sheet.LINE
    assert long.shape[1] == short.shape[1]
    half = short.shape[1] // 2
    np.testing.assert_array_equal(long[sheet.LINE :, :half], short[:, :half])
