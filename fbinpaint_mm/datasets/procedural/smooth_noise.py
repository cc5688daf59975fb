"""Smooth random fields at any resolution."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.datasets.stable_random import StableRandom


def smooth_curve(random: StableRandom, x: np.ndarray, num_cells: int) -> np.ndarray:
    """Random curve over positions: random values at cell borders, smoothly joined.

    Args:
        random: Stream of the values.
        x: Positions in [0, 1], any shape.
        num_cells: Bumps of the curve over [0, 1].

    Returns:
        Values in [0, 1), shape of ``x``.
    """
    values = random.uniform_array(num_cells + 2)
    cell, weight = _locate(x, num_cells)
    return values[cell] + weight * (values[cell + 1] - values[cell])


def smooth_field(
    random: StableRandom, y: np.ndarray, x: np.ndarray, num_cells: tuple[int, int]
) -> np.ndarray:
    """Random field over a grid: random values at cell corners, smoothly joined.

    Args:
        random: Stream of the values.
        y: (H,1) positions in [0, 1].
        x: (1,W) positions in [0, 1].
        num_cells: Cells along y and x; more cells make smaller blobs.

    Returns:
        (H,W) values in [0, 1).
    """
    values = random.uniform_array(num_cells[0] + 2, num_cells[1] + 2)
    row, row_weight = _locate(y[:, 0], num_cells[0])
    column, column_weight = _locate(x[0], num_cells[1])
    rows = values[row] + row_weight[:, None] * (values[row + 1] - values[row])
    left = rows[:, column]
    return left + column_weight * (rows[:, column + 1] - left)


def _locate(position: np.ndarray, num_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Cell that holds a position and the smooth-step weight inside it."""
    scaled = np.minimum(np.maximum(position, 0.0), 1.0) * num_cells
    cell = scaled.astype(np.int64)
    inside = scaled - cell
    return cell, inside * inside * (3.0 - 2.0 * inside)


def fraction(values: np.ndarray) -> np.ndarray:
    """Part after the decimal point, in [0, 1), for negative values too."""
    return values - np.floor(values)
