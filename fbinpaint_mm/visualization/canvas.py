"""A sheet to paste pictures on and to write on."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from itertools import chain

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fbinpaint_mm.visualization.drawing import PAPER, Color

INK: Color = (25, 25, 25)
FAINT: Color = (130, 130, 130)


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The sans-serif font that matplotlib ships, so that every machine draws the same text."""
    from matplotlib import font_manager  # not before there is something to draw

    properties = font_manager.FontProperties(
        family='DejaVu Sans', weight='bold' if bold else 'normal'
    )
    return ImageFont.truetype(font_manager.findfont(properties), size)


def text_width(text: str, size: int, bold: bool = False) -> int:
    """Pixels a line of text is wide."""
    return math.ceil(font(size, bold).getlength(text))


def wrap_text(text: str, width: int, size: int, bold: bool = False) -> list[str]:
    """Break a name or a sentence into lines of at most ``width`` pixels.

    Lines end after a space, an underscore or a hyphen; a word wider than a line is cut.

    Returns:
        At least one line.
    """
    words = re.findall(r'[^ _-]*[ _-]?', text)
    pieces = [[word] if text_width(word, size, bold) <= width else list(word) for word in words]
    lines = ['']
    for piece in chain.from_iterable(pieces):
        if lines[-1] and text_width((lines[-1] + piece).rstrip(), size, bold) > width:
            lines.append('')
        lines[-1] += piece
    return [line.rstrip() for line in lines]


class Canvas:
    """A white sheet to paste pictures on and to write on; coordinates are (x, y) from the top left.

    Args:
        height: Pixels.
        width: Pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self._image = Image.new('RGB', (width, height), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def paste(self, image: np.ndarray, x: int, y: int) -> None:
        """Put an (H, W, 3) uint8 RGB image with its top left corner at (x, y)."""
        self._image.paste(Image.fromarray(np.ascontiguousarray(image)), (x, y))

    def rectangle(self, x: int, y: int, size: int, color: Color) -> None:
        """Fill a square with a thin dark edge."""
        self._draw.rectangle((x, y, x + size, y + size), fill=tuple(color), outline=FAINT)

    def write(
        self,
        text: str,
        x: int,
        y: int,
        size: int,
        bold: bool = False,
        color: Color = INK,
        anchor: str = 'la',
    ) -> None:
        """Write one line; ``anchor`` as in PIL: ``la`` starts at x, ``ma`` is centred on x."""
        self._draw.text((x, y), text, fill=color, font=font(size, bold), anchor=anchor)

    def to_array(self) -> np.ndarray:
        """The sheet as (H, W, 3) uint8 RGB."""
        return np.asarray(self._image).copy()
