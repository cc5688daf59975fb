"""The reproducible holes of validation and test, drawn with integers only: alike on any machine."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from fbinpaint_mm.datasets.stable_random import StableRandom
from fbinpaint_mm.user_error import UserError

_NUM_DIRECTIONS = 32
# Fixed-point unit vectors, 1024 = one pixel: no float reaches the pixels that are drawn.
_DIRECTIONS = [
    tuple(round(1024 * wave(2 * math.pi * k / _NUM_DIRECTIONS)) for wave in (math.cos, math.sin))
    for k in range(_NUM_DIRECTIONS)
]
_MAX_SHAPES = 10_000


@TRANSFORMS.register_module()
class FixedHole(BaseTransform):
    """Give every sample its own fixed hole; the area bins take turns.

    The hole depends on the seed, ``sample_idx``, ``hole_index`` and the image size alone, on any
    machine and in any worker; the global random state is neither read nor changed. It is made of
    free-form strokes, boxes or both, like scratches and blocks a user paints.

    Required keys: ``gt`` (H,W,3), ``sample_idx`` (int).
    Optional key: ``hole_index`` (int), of several holes of one image; see ``holes_per_image`` of
    the data sets.
    Added keys: ``mask`` (H,W,1) uint8, 1 = hole; ``hole_area``, its fraction of the image.

    Args:
        seed: Names the list of holes; another seed gives another list.
        area_bins: Ranges of the area ratio; hole ``k`` of sample ``i`` gets bin
            ``(i + k) % len(area_bins)``.

    Raises:
        UserError: A bin is not a pair 0 < low < high <= 1.
    """

    def __init__(
        self,
        seed: int = 0,
        area_bins: Sequence[tuple[float, float]] = (
            (0.1, 0.2),
            (0.2, 0.3),
            (0.3, 0.4),
            (0.4, 0.5),
            (0.5, 0.6),
        ),
    ) -> None:
        for area_bin in area_bins:
            if len(area_bin) != 2 or not 0 < area_bin[0] < area_bin[1] <= 1:
                raise UserError(
                    f'area_bins holds {area_bin}; expected pairs (low, high) of area ratios with '
                    '0 < low < high <= 1.'
                )
        self.seed = seed
        self.area_bins = [(low, high) for low, high in area_bins]

    def hole(self, sample_idx: int, height: int, width: int, hole_index: int = 0) -> np.ndarray:
        """The hole of one sample.

        Args:
            sample_idx: Index of the sample in its data set.
            height: Image height in pixels.
            width: Image width in pixels.
            hole_index: Which of several holes of the image.

        Returns:
            (H,W,1) uint8 mask, 1 = hole.
        """
        area_bin = self.area_bins[(sample_idx + hole_index) % len(self.area_bins)]
        keys = (self.seed, sample_idx, *([hole_index] if hole_index else []))
        return draw_hole(StableRandom(*keys), height, width, area_bin)[..., None]

    def transform(self, results: dict) -> dict:
        """Add ``mask`` and ``hole_area``; see the class for the keys.

        Raises:
            UserError: The sample has no ``sample_idx``.
        """
        if 'sample_idx' not in results:
            raise UserError(
                'FixedHole needs sample_idx; use a data set that sets it (every mmengine '
                'BaseDataset does).'
            )
        height, width = results['gt'].shape[:2]
        hole_index = results.get('hole_index', 0)
        mask = self.hole(int(results['sample_idx']), height, width, hole_index)
        results['mask'] = mask
        results['hole_area'] = float(np.count_nonzero(mask) / mask.size)
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(seed={self.seed}, area_bins={self.area_bins})'


def draw_hole(
    random: StableRandom,
    height: int,
    width: int,
    area_range: tuple[float, float],
    box_share: float | None = None,
) -> np.ndarray:
    """Draw strokes, boxes or both until the hole has the wanted area.

    Args:
        random: Stream that decides every shape.
        height: Image height in pixels.
        width: Image width in pixels.
        area_range: Fractions of the image area, 0 < low < high <= 1; the hole lies
            strictly between.
        box_share: Share of boxes among the shapes, in [0, 1]; the stream chooses between none,
            about a third and all where it is None.

    Returns:
        (H,W) uint8 mask, 1 = hole.

    Raises:
        UserError: No number of pixels lies inside the range (the image is too small).
    """
    smallest = math.floor(area_range[0] * height * width) + 1
    largest = math.ceil(area_range[1] * height * width) - 1
    if smallest > largest:
        raise UserError(
            f'An image of {height}x{width} has no hole with an area ratio inside {area_range}. '
            'Use a larger image or a wider range.'
        )
    target = random.integer(smallest, largest)
    probability_box = random.choice((0.0, 0.35, 1.0)) if box_share is None else box_share
    mask = np.zeros((height, width), np.uint8)
    for _ in range(_MAX_SHAPES):
        missing = target - int(np.count_nonzero(mask))
        if missing <= 0:
            break
        room = missing + largest - target
        if random.chance(probability_box):
            _draw_box(random, mask, room)
        else:
            _draw_stroke(random, mask, missing, room)
    return mask


def _draw_box(random: StableRandom, mask: np.ndarray, room: int) -> None:
    """Fill one box of at most ``room`` pixels."""
    height, width = mask.shape
    box_height = random.integer(max(1, height // 8), max(1, height * 5 // 8))
    box_height = min(box_height, room)
    box_width = random.integer(max(1, width // 8), max(1, width * 5 // 8))
    box_width = min(box_width, room // box_height)
    top = random.integer(0, height - box_height)
    left = random.integer(0, width - box_width)
    mask[top : top + box_height, left : left + box_width] = 1


def _draw_stroke(random: StableRandom, mask: np.ndarray, missing: int, room: int) -> None:
    """Walk a brush over the mask until its length, ``missing`` or ``room`` is used up."""
    height, width = mask.shape
    side = min(height, width)
    radius = random.integer(max(1, side // 40), max(1, side // 10))
    stride = max(1, radius // 2)
    x, y = random.integer(0, 1024 * width - 1), random.integer(0, 1024 * height - 1)
    direction, turn = random.integer(0, _NUM_DIRECTIONS - 1), 0
    for step in range(random.integer(side // 2, 2 * side) // stride + 1):
        added = _stamp_disc(mask, x >> 10, y >> 10, radius, room)
        missing, room = missing - added, room - added
        if missing <= 0:
            return
        if step % 4 == 0:
            turn = random.integer(-2, 2)
        direction = (direction + turn) % _NUM_DIRECTIONS
        x += stride * _DIRECTIONS[direction][0]
        y += stride * _DIRECTIONS[direction][1]
        if not (0 <= x < 1024 * width and 0 <= y < 1024 * height):
            x = min(max(x, 0), 1024 * width - 1)
            y = min(max(y, 0), 1024 * height - 1)
            direction = (direction + _NUM_DIRECTIONS // 2 + random.integer(-5, 5)) % _NUM_DIRECTIONS


def _stamp_disc(mask: np.ndarray, x: int, y: int, radius: int, room: int) -> int:
    """Fill a disc, smaller where ``room`` is short; returns the number of new hole pixels."""
    height, width = mask.shape
    for size in range(radius, -1, -1):
        top, bottom = max(y - size, 0), min(y + size + 1, height)
        left, right = max(x - size, 0), min(x + size + 1, width)
        rows = np.arange(top, bottom)[:, None] - y
        columns = np.arange(left, right)[None, :] - x
        window = mask[top:bottom, left:right]
        new = (rows * rows + columns * columns <= size * size) & (window == 0)
        added = int(np.count_nonzero(new))
        if added <= room:
            window[new] = 1
            return added
    return 0
