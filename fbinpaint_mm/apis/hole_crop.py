"""Where to look: the parts of a large picture that the network sees, one after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

# Holes nearer to each other than this, in pixels, are one. It also keeps the search cheap.
CELL = 16
# Context on each side of a hole: half of its longer side, or this many pixels.
CONTEXT = 0.5
SMALLEST_CONTEXT = 64
# ... but as little as this share of it, where a crop then need not be scaled down.
SCARCE_CONTEXT = 0.125
# A hole is deep where its middle is farther from known pixels than this share of ``usual_side``.
# What belongs there is a question of the whole: with little context, or more pixels than in
# training, the network puts a small face into the middle of a face.
DEEP = 0.125
DEEP_CONTEXT = 1.5
# Smaller pictures than this share of the size to which they could be enlarged are: above, that
# blurs more than it helps.
SMALL = 0.75
DEFAULT_SIDE = 256  # pixels, where a config does not say its own


class Sight(NamedTuple):
    """What a network sees.

    Attributes:
        max_side: Longest side in pixels of what it sees at once.
        test_size: Height and width in pixels of what it is tested with, or the other way round;
            much smaller pictures are enlarged to fit into it. ``None``: none is enlarged.
    """

    max_side: int
    test_size: tuple[int, int] | None = None

    @property
    def usual_side(self) -> int:
        """Longer side in pixels of what it was trained for."""
        return trained_side(self.test_size)


def trained_side(test_size: tuple[int, int] | None) -> int:
    """Longer side in pixels of what a network was trained for, given what it is tested with."""
    return max(test_size or (DEFAULT_SIDE,))


class Box(NamedTuple):
    """A rectangle of pixels; ``bottom`` and ``right`` lie outside of it."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """To index an array with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def scaled_to(self, side: int) -> tuple[int, int]:
        """Height and width where the longer one is ``side``."""
        height, width = (max(1, round(one * side / max(self.size))) for one in self.size)
        return height, width

    def grown(self, margin: int, size: tuple[int, int]) -> Box:
        """The box with a margin on each side, cut off at the borders of a picture of that size."""
        return Box(
            max(self.top - margin, 0),
            max(self.left - margin, 0),
            min(self.bottom + margin, size[0]),
            min(self.right + margin, size[1]),
        )

    def common(self, other: Box) -> Box:
        """What is in both."""
        return Box(*map(max, self[:2], other[:2]), *map(min, self[2:], other[2:]))

    def joined(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))


@dataclass(frozen=True)
class HoleCrop:
    """A part of a picture for the network.

    Args:
        target: What is to be filled: every pixel of the hole in this box.
        window: What the network sees: the target with context.
        size: Height and width at which it sees the window: smaller than the window where that is
            too large or the hole too deep, larger where the picture is small.
    """

    target: Box
    window: Box
    size: tuple[int, int]

    @property
    def is_scaled(self) -> bool:
        """Whether the network sees the window at another size."""
        return self.size != self.window.size

    @property
    def is_enlarged(self) -> bool:
        """Whether the network sees the window at a larger size."""
        return max(self.size) > max(self.window.size)


def find_hole_crops(hole: np.ndarray, sight: Sight) -> list[HoleCrop]:
    """Covers a hole with crops, none of which is larger than the network may see.

    A picture that is not larger than ``max_side`` is one crop, whole; a much smaller one than
    ``test_size`` is enlarged. Of a larger one each connected part of the hole has a crop with
    context of its own; small parts that are neighbors share one. A crop with a deep hole has more
    context, and is seen at ``usual_side``.

    Args:
        hole: (H, W) bool, True in the hole.
        sight: What the network sees.

    Returns:
        The crops, whose targets cover the hole; none for an empty hole. Largest window first: of
        what is known, the map of the crop that sees most stays.
    """
    whole = Box(0, 0, *hole.shape)
    if not hole.any():
        return []
    if max(hole.shape) <= sight.max_side:
        return [HoleCrop(whole, whole, whole.scaled_to(_side_of_whole(hole, whole, sight)))]
    targets = _join_small_neighbors(_parts_of(hole), sight.max_side // 4)
    crops = [_crop_around(target, hole, sight) for target in targets]
    return sorted(crops, key=lambda crop: math.prod(crop.window.size), reverse=True)


def _side_of_whole(hole: np.ndarray, whole: Box, sight: Sight) -> int:
    longer = max(whole.size)
    scale = _enlargement(whole.size, sight)
    if SMALL * scale > 1:
        return round(scale * longer)
    return min(longer, sight.usual_side) if _is_deep(hole, whole, sight.usual_side) else longer


def _enlargement(size: tuple[int, int], sight: Sight) -> float:
    """By how much a picture could be enlarged; lying or upright, it is tested the same."""
    if sight.test_size is None:
        return 1.0
    sides = zip(sorted(sight.test_size), sorted(size), strict=True)
    return min(sight.max_side / max(size), *(large / small for large, small in sides))


def _parts_of(hole: np.ndarray) -> list[Box]:
    """Boxes around the connected parts of a hole."""
    starts = [np.arange(0, side, CELL) for side in hole.shape]
    cells = np.logical_or.reduceat(hole, starts[0], axis=0)
    cells = np.logical_or.reduceat(cells, starts[1], axis=1)
    _, _, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)
    return [_tight(hole, row) for row in stats[1:]]  # 0 is what is known


def _tight(hole: np.ndarray, stats: np.ndarray) -> Box:
    left, top, width, height = (int(value) * CELL for value in stats[:4])
    part = hole[top : top + height, left : left + width]
    rows, columns = (np.flatnonzero(part.any(axis)).tolist() for axis in (1, 0))
    return Box(top + rows[0], left + columns[0], top + rows[-1] + 1, left + columns[-1] + 1)


def _join_small_neighbors(parts: list[Box], side: int) -> list[Box]:
    """One box for all parts, none longer than ``side``, whose centers share a tile of that side."""
    tiles: dict[tuple[int, ...], Box] = {}
    for index, part in enumerate(parts):
        if max(part.size) > side:
            tiles[(index,)] = part
            continue
        tile = ((part.top + part.bottom) // 2 // side, (part.left + part.right) // 2 // side)
        tiles[tile] = tiles.get(tile, part).joined(part)
    return list(tiles.values())


def _crop_around(target: Box, hole: np.ndarray, sight: Sight) -> HoleCrop:
    max_side = sight.max_side
    longer, is_deep = max(target.size), _is_deep(hole, target, sight.usual_side)
    margin = max(SMALLEST_CONTEXT, int((DEEP_CONTEXT if is_deep else CONTEXT) * longer))
    if not is_deep and longer + 2 * int(SCARCE_CONTEXT * longer) <= max_side:
        margin = min(margin, (max_side - longer) // 2)
    window = target.grown(margin, hole.shape)
    side = min(max_side, sight.usual_side) if is_deep else max_side
    return HoleCrop(target, window, window.scaled_to(min(side, max(window.size))))


def _is_deep(hole: np.ndarray, target: Box, usual_side: int) -> bool:
    """Whether the hole in a box has pixels that are far from what is known."""
    part = hole[target.grown(1, hole.shape).slices].astype(np.uint8)
    depth = cv2.distanceTransform(part, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max()
    return bool(depth > DEEP * usual_side)
