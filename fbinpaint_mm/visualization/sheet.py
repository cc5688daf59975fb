"""Rows of pictures with headings, captions and a legend, laid out on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fbinpaint_mm.visualization.canvas import FAINT, Canvas, text_width
from fbinpaint_mm.visualization.drawing import Color, outline, rescale

MARGIN = 12
GAP = 8
TEXT = 12
TITLE = 15
LINE = 17


class Cell(NamedTuple):
    """One place of the grid: a picture with a line below it, or a list of coloured keys.

    Attributes:
        image: (H, W, 3) uint8 RGB, not yet scaled.
        caption: Line below the picture, or in the middle of an empty cell.
        keys: Names and colours, written one per line.
        smooth: Reduce by averaging; class colours must not be mixed.
        outline: (H, W) bool region to draw a line around.
    """

    image: np.ndarray | None = None
    caption: str = ''
    keys: Sequence[tuple[str, Color]] = ()
    smooth: bool = False
    outline: np.ndarray | None = None


class Row(NamedTuple):
    """A heading and one cell per column."""

    heading: str
    cells: list[Cell]


def lay_out(
    title: str,
    headers: list[str],
    rows: list[Row],
    legend: list[tuple[str, Color]],
    shape: tuple[int, int],
    scale: float,
) -> np.ndarray:
    """Put headings, cells and legend on one sheet; ``shape`` is that of one picture unscaled."""
    height, width = (max(round(side * scale), 1) for side in shape)
    pitch = max(width, 150) + GAP
    sheet_width = 2 * MARGIN + len(headers) * pitch - GAP
    lines = wrap_legend(legend, sheet_width - 2 * MARGIN)
    top = MARGIN + (TITLE + GAP if title else 0) + LINE
    row_height = LINE + height + LINE + GAP
    canvas = Canvas(top + len(rows) * row_height + len(lines) * LINE + MARGIN, sheet_width)
    canvas.write(title, MARGIN, MARGIN, TITLE, bold=True)
    for column, header in enumerate(headers):
        middle = MARGIN + column * pitch + (pitch - GAP) // 2
        canvas.write(header, middle, top - LINE, TEXT, bold=True, anchor='ma')
    for index, row in enumerate(rows):
        put_row(canvas, row, top + index * row_height, pitch, height, scale)
    put_legend(canvas, lines, top + len(rows) * row_height)
    return canvas.to_array()


def put_row(canvas: Canvas, row: Row, top: int, pitch: int, height: int, scale: float) -> None:
    """Write a row's heading, then each cell with its caption centred below it."""
    canvas.write(row.heading, MARGIN, top, TEXT, color=FAINT)
    for column, cell in enumerate(row.cells):
        left = MARGIN + column * pitch
        middle = left + (pitch - GAP) // 2
        if cell.image is not None:
            image = rescale(cell.image, scale, cell.smooth)
            if cell.outline is not None:
                region = rescale(cell.outline.astype(np.uint8), scale, smooth=False)
                image = outline(image, region > 0)
            canvas.paste(image, middle - image.shape[1] // 2, top + LINE)
        for line, (text, color) in enumerate(cell.keys):
            put_key(canvas, text, color, left, top + LINE + 4 + line * LINE)
        below = top + LINE + (height + 2 if cell.image is not None else height // 2)
        canvas.write(cell.caption, middle, below, TEXT - 1, anchor='ma')


def put_key(canvas: Canvas, text: str, color: Color, x: int, y: int) -> None:
    """A coloured square and what it stands for."""
    canvas.rectangle(x, y, TEXT - 1, color)
    canvas.write(text, x + TEXT + 5, y - 1, TEXT - 1)


def wrap_legend(legend: list[tuple[str, Color]], width: int) -> list[list[tuple[int, str, Color]]]:
    """Break the legend into lines: (x offset, name, colour) of each entry."""
    lines: list[list[tuple[int, str, Color]]] = []
    x = width
    for name, color in legend:
        wide = TEXT + 5 + text_width(name, TEXT - 1) + 2 * GAP
        if x + wide > width:
            lines.append([])
            x = 0
        lines[-1].append((x, name, color))
        x += wide
    return lines


def put_legend(canvas: Canvas, lines: list[list[tuple[int, str, Color]]], top: int) -> None:
    """Write the class names with their colours at the bottom."""
    for index, line in enumerate(lines):
        for x, name, color in line:
            put_key(canvas, name, color, MARGIN + x, top + index * LINE)
