"""Colours to paint classes with, which can be told apart again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Two brushes differ by at least this much in one of R, G and B.
SMALLEST_DIFFERENCE = 8
# Where to go from a colour that is taken: no common factor with 256, so all values are reached.
STEP = np.array([37, 101, 179])


def distinct_palette(palette: Sequence[Sequence[int]]) -> np.ndarray:
    """The palette, with a new colour for each class whose colour an earlier class has.

    Args:
        palette: (K, 3) RGB in 0..255, K up to 255.

    Returns:
        (K, 3) uint8 RGB; any two rows differ by at least ``SMALLEST_DIFFERENCE`` in one channel.
    """
    distinct = np.zeros((0, 3), int)
    for color in palette:
        candidate = np.asarray(color)
        while (np.abs(distinct - candidate).max(1) < SMALLEST_DIFFERENCE).any():
            candidate = (candidate + STEP) % 256
        distinct = np.vstack([distinct, candidate])
    return distinct.astype(np.uint8)


def to_hex(color: Sequence[int]) -> str:
    """An RGB colour as CSS has it, such as ``#8a40ff``."""
    return '#' + ''.join(f'{int(value):02x}' for value in color)
