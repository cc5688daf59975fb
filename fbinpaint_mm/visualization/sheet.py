"""Rows of pictures with headings, captions and a legend on one sheet, drawn by Pillow.

matplotlib's axes and text took ten to twenty times as long, for every picture of every validation.
Positions are pixels from the top left.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fbinpaint_mm.visualization.drawing import PAPER, Color, outline, rescale

Key = tuple[str, Color]

INK: Color = (25, 25, 25)
FAINT: Color = (130, 130, 130)
MARGIN = 12
GAP = 8
LINE = 17
CAPTION_WIDTH = 150
SMALL, TEXT, TITLE = 11, 12, 15


class Cell(NamedTuple):
    """One place of the grid: a picture with lines below it, or a list of colored keys.

    Attributes:
        image: (H, W, 3) uint8 RGB, not yet scaled.
        caption: Lines below the picture, or in the middle of an empty cell.
        bold: Numbers of the lines that are bold.
        keys: Names and colors, one per line.
        smooth: Reduce by averaging; class colors must not be mixed.
        outline: (H, W) bool region to draw a line around.
    """

    image: np.ndarray | None = None
    caption: str = ''
    bold: Collection[int] = ()
    keys: Sequence[Key] = ()
    smooth: bool = False
    outline: np.ndarray | None = None


class Row(NamedTuple):
    """A heading and one cell per column."""

    heading: str
    cells: list[Cell]


def lay_out(
    title: str,
    headers: Sequence[str],
    rows: Sequence[Row],
    legend: Sequence[Key],
    shape: tuple[int, int],
    scale: float,
) -> np.ndarray:
    """Draw headers, rows and legend on one sheet.

    Args:
        title: Line at the top.
        headers: Name of each column; names that are too wide are broken into lines.
        rows: All get the same height.
        legend: Names and colors for the bottom.
        shape: (height, width) of one picture, unscaled.
        scale: Factor by which pictures are enlarged or reduced, as from ``cell_scale``.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    height, width = (max(round(side * scale), 1) for side in shape)
    pictured = [cell for row in rows for cell in row.cells if cell.image is not None]
    captions = max((len(cell.caption.splitlines()) for cell in pictured), default=0)
    column = max(width, CAPTION_WIDTH if captions else 0)
    row_height = LINE + height + captions * LINE + GAP
    names = [break_lines(name, column // 8) for name in headers]
    top = MARGIN + (TITLE + GAP if title else 0) + LINE * max(map(len, names))
    bottom = top + len(rows) * row_height
    lefts = range(MARGIN, MARGIN + len(headers) * (column + GAP), column + GAP)
    texts = [text_width(title, TITLE, bold=True), *(text_width(row.heading) for row in rows)]
    right = max(lefts[-1] + column, MARGIN + max(texts))
    places = place_keys(legend, MARGIN, bottom, right)
    sheet_height = max((y + LINE for _, y in places), default=bottom) + MARGIN
    sheet = Image.new('RGB', (right + MARGIN, sheet_height), PAPER)
    write(sheet, title, MARGIN, MARGIN, TITLE, bold=True)
    for left, lines in zip(lefts, names, strict=True):
        put_header(sheet, lines, left + column // 2, top)
    for number, row in enumerate(rows):
        put_row(sheet, row, top + number * row_height, lefts, (height, column), scale)
    for key, place in zip(legend, places, strict=True):
        put_key(sheet, *key, *place)
    return np.array(sheet)


def put_header(sheet: Image.Image, lines: Sequence[str], middle: int, bottom: int) -> None:
    """Write the name of a column, so that it ends above ``bottom``."""
    for number, line in enumerate(lines, -len(lines)):
        write(sheet, line, middle, bottom + number * LINE, bold=True, anchor='ma')


def put_row(
    sheet: Image.Image,
    row: Row,
    top: int,
    lefts: Sequence[int],
    size: tuple[int, int],
    scale: float,
) -> None:
    """Write a heading, and draw the cells below it into places of (height, width)."""
    write(sheet, row.heading, MARGIN, top, color=FAINT)
    for left, cell in zip(lefts, row.cells, strict=True):
        put_cell(sheet, cell, left, top + LINE, size, scale)


def break_lines(text: str, most: int) -> list[str]:
    """A name as lines of ``most`` characters, ending after a space, an underscore or a hyphen."""
    return re.findall(rf'.{{1,{most}}}(?:(?<=[ _-])|$)|.{{{most}}}', text)


def place_keys(legend: Sequence[Key], left: int, top: int, right: int) -> list[tuple[int, int]]:
    """Where each key of a legend stands: as many side by side as fit, in columns."""
    widest = max((text_width(name, SMALL) for name, _ in legend), default=0)
    pitch = widest + LINE + 2 * GAP
    columns = max((right - left) // pitch, 1)
    places = (divmod(number, columns) for number in range(len(legend)))
    return [(left + column * pitch, top + line * LINE) for line, column in places]


def put_cell(
    sheet: Image.Image, cell: Cell, left: int, top: int, size: tuple[int, int], scale: float
) -> None:
    """Draw a cell into a place of (height, width), its caption below or in the middle."""
    height, width = size
    below = top + height // 2
    if cell.image is not None:
        image = rescale(cell.image, scale, cell.smooth)
        if cell.outline is not None:
            region = rescale(cell.outline.astype(np.uint8), scale, smooth=False)
            image = outline(image, region > 0)
        place = (left + (width - image.shape[1]) // 2, top)
        sheet.paste(Image.fromarray(np.ascontiguousarray(image)), place)
        below = top + height + 2
    for number, line in enumerate(cell.caption.splitlines()):
        y = below + number * LINE
        write(sheet, line, left + width // 2, y, SMALL, number in cell.bold, anchor='ma')
    for number, key in enumerate(cell.keys):
        put_key(sheet, *key, left, top + 4 + number * LINE)


def put_key(sheet: Image.Image, name: str, color: Color, x: int, y: int) -> None:
    """Draw a colored square and what it stands for."""
    ImageDraw.Draw(sheet).rectangle((x, y, x + SMALL, y + SMALL), color, FAINT)
    write(sheet, name, x + LINE, y - 1, SMALL)


def write(
    sheet: Image.Image,
    text: str,
    x: int,
    y: int,
    size: int = TEXT,
    bold: bool = False,
    color: Color = INK,
    anchor: str = 'la',
) -> None:
    """Write one line; ``anchor`` as in Pillow: ``la`` starts at x, ``ma`` is centered on x."""
    ImageDraw.Draw(sheet).text((x, y), text, color, font(size, bold), anchor)


def text_width(text: str, size: int = TEXT, bold: bool = False) -> int:
    """Pixels that a line is wide."""
    return math.ceil(font(size, bold).getlength(text))


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The font that matplotlib ships, so that every machine draws the same text."""
    from matplotlib import get_data_path  # not before there is something to draw

    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    return ImageFont.truetype(Path(get_data_path(), 'fonts', 'ttf', name), size)
