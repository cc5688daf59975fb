"""What a scene is painted on, its classes, and the smooth noise it is painted with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fbinpaint_mm.datasets.procedural.scene_context import SceneContext
from fbinpaint_mm.datasets.stable_random import StableRandom

# Color of each class in pictures of label maps, RGB; a class id is the position of its name.
COLORS = {
    'sky': (135, 206, 235),
    'mountain': (139, 125, 123),
    'water': (30, 100, 200),
    'grass': (124, 200, 60),
    'road': (128, 64, 128),
    'wall': (230, 190, 140),
    'window': (255, 240, 70),
    'roof': (200, 50, 40),
    'tree': (20, 110, 40),
    'car': (250, 100, 230),
}
CLASSES, PALETTE = tuple(COLORS), tuple(COLORS.values())
SKY, MOUNTAIN, WATER, GRASS, ROAD, WALL, WINDOW, ROOF, TREE, CAR = range(len(CLASSES))

# The mask of all pixels.
EVERYWHERE = np.array(True)


@dataclass
class Canvas:
    """Image, label map and coordinates of a scene, painted back to front.

    Coordinates run over the whole scene: x from 0 (left) to 1 (right), y from 0 (top) to 1
    (bottom), at pixel centers.

    Only operations that every IEEE machine rounds alike (+ - * / floor, comparisons) touch the
    pixels, so that a scene is bit-identical everywhere.

    Args:
        image: (H,W,3) float64 RGB, 0..255.
        seg: (H,W) uint8 class ids.
        grain: (H,W) float64 noise in [0, 1), one independent number per pixel.
        y: (H,1) float64 coordinates.
        x: (1,W) float64 coordinates.
        context: What all parts of the scene share; its light multiplies what does not glow.
    """

    image: np.ndarray
    seg: np.ndarray
    grain: np.ndarray
    y: np.ndarray
    x: np.ndarray
    context: SceneContext

    @classmethod
    def blank(cls, random: StableRandom, height: int, width: int, context: SceneContext) -> Canvas:
        """A black canvas of class 0.

        Args:
            random: Stream of the grain.
            height: Height in pixels.
            width: Width in pixels.
            context: What all parts of the scene share.

        Returns:
            The canvas.
        """
        return cls(
            image=np.zeros((height, width, 3)),
            seg=np.zeros((height, width), np.uint8),
            grain=random.uniform_array(height, width),
            y=((np.arange(height) + 0.5) / height)[:, None],
            x=((np.arange(width) + 0.5) / width)[None, :],
            context=context,
        )

    def window(self, left: float, top: float, right: float, bottom: float) -> Canvas | None:
        """The part of the canvas inside a box, in x and y; painting on it paints on this canvas.

        Returns:
            A canvas that shares memory with this one; None where the box holds no pixel center.
        """
        rows = slice(*np.searchsorted(self.y[:, 0], (top, bottom)))
        columns = slice(*np.searchsorted(self.x[0], (left, right)))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        return Canvas(
            self.image[rows, columns],
            self.seg[rows, columns],
            self.grain[rows, columns],
            self.y[rows],
            self.x[:, columns],
            self.context,
        )

    def paint(
        self, mask: np.ndarray, color: np.ndarray, class_id: int, glows: bool = False
    ) -> None:
        """Cover pixels with a color and a class.

        Args:
            mask: Bool, broadcastable to (H,W) by numpy: the pixels to cover.
            color: RGB 0..255, broadcastable to (H,W,3).
            class_id: Class of these pixels.
            glows: True for what emits light and keeps its color at night.
        """
        shown = color if glows else color * self.context.light
        np.copyto(self.image, shown, where=mask[..., None])
        np.copyto(self.seg, class_id, where=mask)

    def blend(self, color: np.ndarray, weight: np.ndarray) -> None:
        """Mix a color into the image without changing the classes.

        Args:
            color: RGB 0..255, broadcastable to (H,W,3).
            weight: Share of the color in [0, 1], broadcastable to (H,W).
        """
        self.image += weight[..., None] * (color - self.image)


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


def smooth_field(random: StableRandom, canvas: Canvas, num_cells: tuple[int, int]) -> np.ndarray:
    """Random field over a canvas: random values at cell corners, smoothly joined.

    Args:
        random: Stream of the values.
        canvas: Gives the positions.
        num_cells: Cells along y and x; more cells make smaller blobs.

    Returns:
        (H,W) values in [0, 1).
    """
    values = random.uniform_array(num_cells[0] + 2, num_cells[1] + 2)
    row, row_weight = _locate(canvas.y[:, 0], num_cells[0])
    column, column_weight = _locate(canvas.x[0], num_cells[1])
    rows = values[row] + row_weight[:, None] * (values[row + 1] - values[row])
    left = rows[:, column]
    return left + column_weight * (rows[:, column + 1] - left)


def _locate(position: np.ndarray, num_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Cell that holds a position and the smooth-step weight inside it."""
    scaled = np.clip(position, 0.0, 1.0) * num_cells
    cell = scaled.astype(np.int64)
    inside = scaled - cell
    return cell, inside * inside * (3.0 - 2.0 * inside)


def fraction(values: np.ndarray) -> np.ndarray:
    """Part after the decimal point, in [0, 1), for negative values too."""
    return values - np.floor(values)
