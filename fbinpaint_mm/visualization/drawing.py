"""Colors and cells: what a picture is put together from. Images are (H, W, 3) uint8 RGB."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

Color = tuple[int, int, int]

PAPER: Color = (255, 255, 255)
UNKNOWN: Color = (0, 0, 0)
HOLE_STRIPES: tuple[Color, Color] = ((255, 255, 255), (205, 205, 205))


def default_palette(num_classes: int) -> np.ndarray:
    """Distinct colors for classes without a palette, (K, 3) uint8 RGB."""
    return _color_map('tab20', np.arange(num_classes) % 20)


def colorize(seg: np.ndarray, palette: Sequence[Color] | np.ndarray) -> np.ndarray:
    """Class ids to colors.

    Args:
        seg: (H, W) integer class ids.
        palette: (K, 3) RGB triples; ids outside 0..K-1 (255 = unknown) become black.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    palette = np.asarray(palette, dtype=np.uint8)
    known = (seg >= 0) & (seg < len(palette))
    image = palette[np.where(known, seg, 0)]
    image[~known] = UNKNOWN
    return image


def heat(values: np.ndarray) -> np.ndarray:
    """Values in [0, 1] (clipped), (H, W), as (H, W, 3) uint8 RGB, dark = 0 and bright = 1."""
    return _color_map('viridis', np.clip(values, 0, 1))


def stripe_hole(image: np.ndarray, hole: np.ndarray, width: int) -> np.ndarray:
    """The image with light diagonal stripes, ``width`` pixels wide, in the (H, W) bool hole."""
    rows, columns = np.indices(hole.shape)
    stripes = np.asarray(HOLE_STRIPES, np.uint8)[(rows + columns) // max(width, 1) % 2]
    return np.where(hole[..., None], stripes, image)


def outline(image: np.ndarray, hole: np.ndarray, color: Color = PAPER) -> np.ndarray:
    """The image with a line, one pixel wide, along the inside of the (H, W) bool hole."""
    inner = cv2.erode(hole.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0
    return np.where((hole & ~inner)[..., None], np.asarray(color, np.uint8), image)


def gain(before: np.ndarray, after: np.ndarray, full: float = 32.0) -> np.ndarray:
    """Where an error became smaller or larger.

    Args:
        before: (H, W) error, 0..255.
        after: (H, W) error, 0..255.
        full: Difference in gray levels that gets the full color.

    Returns:
        (H, W, 3) uint8 RGB: green = smaller, red = larger, pale = the same.
    """
    return _color_map('RdYlGn', np.clip((before - after) / full, -1, 1) / 2 + 0.5)


def cell_scale(height: int, width: int, smallest: int, largest: int) -> float:
    """Factor that makes a picture readable: whole numbers up, one over a whole number down.

    Args:
        height: Pixels of one picture.
        width: Pixels of one picture.
        smallest: The shorter side is enlarged to at least this.
        largest: A longer side above this is reduced to at most this.
    """
    if max(height, width) > largest:
        return 1 / math.ceil(max(height, width) / largest)
    enlarged = math.ceil(smallest / min(height, width))
    return max(min(enlarged, largest // max(height, width)), 1)


def rescale(image: np.ndarray, factor: float, smooth: bool) -> np.ndarray:
    """Enlarge without interpolation; reduce by averaging (``smooth``) or by picking pixels."""
    if factor == 1:
        return image
    size = [max(round(side * factor), 1) for side in (image.shape[1], image.shape[0])]
    average = smooth and factor < 1
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if average else cv2.INTER_NEAREST)


def _color_map(name: str, values: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 RGB of one of matplotlib's color maps; whole numbers are its entries."""
    from matplotlib import colormaps  # a good part of this package's own share of its start-up

    return (colormaps[name](values)[..., :3] * 255).round().astype(np.uint8)
