"""One picture of what the rounds made of an image without ground truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from fbinpaint_mm.apis.picture import to_8_bits
from fbinpaint_mm.apis.round_result import RoundResult
from fbinpaint_mm.models.feedback import IGNORE_INDEX
from fbinpaint_mm.visualization.drawing import (
    UNKNOWN,
    Color,
    cell_scale,
    colorize,
    heat,
    rescale,
    stripe_hole,
)
from fbinpaint_mm.visualization.feedback_grid import class_legend, classes_in
from fbinpaint_mm.visualization.sheet import Cell, Row, lay_out

CELL_SIZE, MAX_CELL_SIZE = 192, 512

Shrink = Callable[..., np.ndarray]


def draw_side_by_side(
    pixels: np.ndarray,
    hole: np.ndarray,
    rounds: Sequence[RoundResult],
    classes: Sequence[str] | None,
    palette: Sequence[Color],
    title: str,
) -> np.ndarray:
    """Draw the input with its hole, and the image, map and confidence of every round.

    Args:
        pixels: (H, W) or (H, W, C) pixels of the input, uint8 or uint16.
        hole: (H, W) bool, True in the hole.
        rounds: Rounds 0..R; the last one is the result.
        classes: Names for the legend, or ``None``.
        palette: RGB of each class.
        title: Line at the top.

    Returns:
        (height, width, 3) uint8 RGB picture.
    """
    colors = np.asarray(palette, np.uint8).reshape(-1, 3)
    maps = [result.semantic_map for result in rounds]
    known_maps = [seg for seg in maps if seg is not None]
    scale = cell_scale(*hole.shape, CELL_SIZE, MAX_CELL_SIZE)
    shrink = partial(rescale, factor=min(scale, 1))  # at once: colouring needs much more memory
    rows = [_image_row(pixels, hole, rounds, shrink)]
    if known_maps:
        rows.append(_map_row(hole, maps, colors, shrink))
    rows.append(_confidence_row(hole, rounds, shrink))
    headers = ['input', *(f'round {index}' for index in range(len(rounds)))]
    headers[-1] += ' = result'
    legend = class_legend(classes, colors, classes_in(*known_maps))
    if any((seg == IGNORE_INDEX).any() for seg in known_maps):
        legend.append(('no map here', UNKNOWN))
    shape = shrink(hole.astype(np.uint8), smooth=False).shape
    return lay_out(title, headers, rows, legend, shape, max(scale, 1))


def _image_row(
    pixels: np.ndarray, hole: np.ndarray, rounds: Sequence[RoundResult], shrink: Shrink
) -> Row:
    before = to_rgb(pixels)
    small_hole = _shrunk_hole(hole, shrink)
    width = max(small_hole.shape[0] // 32, 1)
    stripes = stripe_hole(shrink(before, smooth=True), small_hole, width)
    cells = [Cell(stripes, f'hole {100 * hole.mean():.0f} % of the image')]
    for index, result in enumerate(rounds):
        image = to_rgb(result.image)
        change = np.abs(image[hole].astype(np.int16) - before[hole]).mean() if hole.any() else 0
        caption = f'changed by {change:.1f} grey levels' if index else ''
        cells.append(Cell(shrink(image, smooth=True), caption))
        before = image
    return Row('Image, and what the round changed in the hole', cells)


def _map_row(
    hole: np.ndarray, maps: Sequence[np.ndarray | None], colors: np.ndarray, shrink: Shrink
) -> Row:
    small_hole = _shrunk_hole(hole, shrink)
    mask = np.where(small_hole[..., None], 255, 40).astype(np.uint8).repeat(3, axis=2)
    cells, before = [Cell(mask, 'hole')], None
    for seg in maps:
        if seg is None:
            cells.append(Cell(caption='no map'))
            continue
        changed = before is not None and hole.any()
        share = 100 * (seg != before)[hole].mean() if changed else 0
        caption = 'first map' if before is None else f'{share:.1f} % of the hole changed'
        small = colorize(shrink(seg, smooth=False), colors)
        cells.append(Cell(small, caption, outline=small_hole))
        before = seg
    return Row('Semantic map that guided the round', cells)


def _confidence_row(hole: np.ndarray, rounds: Sequence[RoundResult], shrink: Shrink) -> Row:
    cells = [Cell(caption='bright = 1, dark = 0')]
    for result in rounds:
        mean = result.confidence[hole].mean() if hole.any() else 1.0
        small = heat(shrink(result.confidence, smooth=True))
        cells.append(
            Cell(small, f'mean {mean:.2f} in the hole', outline=_shrunk_hole(hole, shrink))
        )
    return Row('Confidence in the image', cells)


def _shrunk_hole(hole: np.ndarray, shrink: Shrink) -> np.ndarray:
    return shrink(hole.astype(np.uint8), smooth=False) > 0


def to_rgb(pixels: np.ndarray) -> np.ndarray:
    """Pixels of any picture as (H, W, 3) uint8 RGB; alpha is left out."""
    planes = to_8_bits(pixels).reshape(*pixels.shape[:2], -1)
    return planes[..., :3] if planes.shape[-1] >= 3 else planes[..., [0, 0, 0]]
