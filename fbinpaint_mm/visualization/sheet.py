"""Rows of pictures with headings, captions and a legend, laid out on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fbinpaint_mm.visualization.canvas import FAINT, Canvas, text_width, wrap_text
from fbinpaint_mm.visualization.drawing import Color, outline, rescale

MARGIN = 12
GAP = 8
TEXT = 12
TITLE = 15
LINE = 17


class Note(NamedTuple):
    """A line below a picture."""

    text: str
    bold: bool = False


class Cell(NamedTuple):
    """One place of the grid: a picture with a line below it, or a list of coloured keys.

    Attributes:
        image: (H, W, 3) uint8 RGB, not yet scaled.
        caption: Line below the picture, or in the middle of an empty cell.
        keys: Names and colours, written one per line.
        smooth: Reduce by averaging; class colours must not be mixed.
        outline: (H, W) bool region to draw a line around.
        notes: Further lines below the caption, or in its place where it is empty.
    """

    image: np.ndarray | None = None
    caption: str = ''
    keys: Sequence[tuple[str, Color]] = ()
    smooth: bool = False
    outline: np.ndarray | None = None
    notes: Sequence[Note] = ()

    @property
    def lines(self) -> list[Note]:
        """Caption and notes."""
        return [*([Note(self.caption)] if self.caption else ()), *self.notes]


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
    widths = [len(headers) * pitch - GAP, text_width(title, TITLE, bold=True)]
    sheet_width = 2 * MARGIN + max(widths + [text_width(row.heading, TEXT) for row in rows])
    legend_lines = wrap_legend(legend, sheet_width - 2 * MARGIN)
    wrapped = [wrap_text(header, pitch - GAP, TEXT, bold=True) for header in headers]
    top = MARGIN + (TITLE + GAP if title else 0) + LINE * max(map(len, wrapped))
    pictured = [cell for row in rows for cell in row.cells if cell.image is not None]
    captions = max([1, *(len(cell.lines) for cell in pictured)])
    row_height = LINE + height + captions * LINE + GAP
    bottom = top + len(rows) * row_height
    canvas = Canvas(bottom + len(legend_lines) * LINE + MARGIN, sheet_width)
    canvas.write(title, MARGIN, MARGIN, TITLE, bold=True)
    put_headers(canvas, wrapped, top, pitch)
    for index, row in enumerate(rows):
        put_row(canvas, row, top + index * row_height, pitch, height, scale)
    put_legend(canvas, legend_lines, bottom)
    return canvas.to_array()


def put_headers(canvas: Canvas, headers: list[list[str]], bottom: int, pitch: int) -> None:
    """Write the lines of each heading centred over its column, the last ones side by side."""
    for column, lines in enumerate(headers):
        middle = MARGIN + column * pitch + (pitch - GAP) // 2
        for index, line in enumerate(lines):
            y = bottom - (len(lines) - index) * LINE
            canvas.write(line, middle, y, TEXT, bold=True, anchor='ma')


def put_row(canvas: Canvas, row: Row, top: int, pitch: int, height: int, scale: float) -> None:
    """Write a row's heading, then each cell with its caption and notes centred below it."""
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
        for line, note in enumerate(cell.lines):
            canvas.write(note.text, middle, below + line * LINE, TEXT - 1, note.bold, anchor='ma')


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
