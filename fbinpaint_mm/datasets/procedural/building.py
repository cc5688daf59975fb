"""Buildings: wall, a grid of windows, roof."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fbinpaint_mm.datasets.procedural.canvas import Canvas
from fbinpaint_mm.datasets.procedural.classes import ROOF, WALL, WINDOW
from fbinpaint_mm.datasets.procedural.scene_context import SceneContext
from fbinpaint_mm.datasets.procedural.smooth_noise import fraction
from fbinpaint_mm.datasets.stable_random import StableRandom

_GLASS = np.array((46, 56, 72))
_LAMP = np.array((255, 214, 120))
_SNOW = np.array((238, 241, 250))


@dataclass(frozen=True)
class Building:
    """Where a building stands.

    Args:
        left: Left border of the wall in x.
        right: Right border in x.
        top: Upper border of the wall (without roof) in y.
        base: Ground line in y.
    """

    left: float
    right: float
    top: float
    base: float

    def paint(self, canvas: Canvas, context: SceneContext, random: StableRandom) -> None:
        """Paint the building; style and colours are drawn from ``random`` and the context."""
        colour = np.array(random.choice(context.walls)) * random.uniform(0.88, 1.1)
        side = random.uniform(0.0, 0.22) * (self.right - self.left)
        front = self._front(context, side)
        material = random.integer(0, 2)
        window = canvas.window(self.left, self.top, self.right, self.base)
        if window is not None:
            self._paint_wall(window, context, colour, material)
            self._paint_side(window, colour, front)
            self._paint_windows(window, context, random, colour, front)
        self._paint_roof(canvas, context, random)

    def _front(self, context: SceneContext, side: float) -> tuple[float, float]:
        """Left and right border of the front; the side face lies away from the light."""
        if context.sun_side < 0:
            return self.left, self.right - side
        return self.left + side, self.right

    def _paint_wall(
        self, canvas: Canvas, context: SceneContext, colour: np.ndarray, material: int
    ) -> None:
        across = (canvas.x - self.left) / (self.right - self.left)
        shade = 1.0 + 0.12 * context.sun_side * (2.0 * across - 1.0) + 0.08 * (canvas.grain - 0.5)
        if material == 0:
            shade = shade * self._bricks(canvas)
        elif material == 1:
            shade = shade * np.where(fraction(across * 5.0) < 0.5, 1.0, 0.9)
        canvas.paint(np.True_, colour * shade[..., None], WALL)

    @staticmethod
    def _bricks(canvas: Canvas) -> np.ndarray:
        """(H,W) brightness of rows of bricks, each row shifted by half a brick."""
        row = canvas.y / 0.047
        shifted = canvas.x / 0.094 + 0.5 * fraction(np.floor(row) / 2.0)
        mortar = (fraction(row) < 0.33) | (fraction(shifted) < 0.17)
        return np.where(mortar, 1.0, 0.84)

    @staticmethod
    def _paint_side(canvas: Canvas, colour: np.ndarray, front: tuple[float, float]) -> None:
        side = (canvas.x < front[0]) | (canvas.x > front[1])
        canvas.paint(side, colour * 0.6, WALL)

    def _paint_windows(
        self,
        canvas: Canvas,
        context: SceneContext,
        random: StableRandom,
        colour: np.ndarray,
        front: tuple[float, float],
    ) -> None:
        width, height = front[1] - front[0], self.base - self.top
        columns = max(1, round(width / random.uniform(0.075, 0.11)))
        rows = max(1, round(height / random.uniform(0.085, 0.13)))
        across = (canvas.x - front[0]) / width * columns
        down = (canvas.y - self.top) / height * rows
        reach_x = np.abs(fraction(across) - 0.5)
        reach_y = np.abs(fraction(down) - 0.5)
        inside = (across > 0) & (across < columns)
        half_x, half_y = random.uniform(0.24, 0.34), random.uniform(0.26, 0.36)
        frame = inside & (reach_x < half_x + 0.11) & (reach_y < half_y + 0.09)
        canvas.paint(frame, colour * 0.35 + 160.0, WALL)
        panes = inside & (reach_x < half_x) & (reach_y < half_y)
        canvas.paint(panes, self._glass(canvas, context, fraction(down)), WINDOW, glows=True)
        self._light_windows(canvas, context, random, panes, (across, down), (columns, rows))

    @staticmethod
    def _glass(canvas: Canvas, context: SceneContext, down: np.ndarray) -> np.ndarray:
        """(H,1,3) dark glass that mirrors the upper sky in its upper part."""
        mirrored = context.sky_at(canvas.y)
        return _GLASS * context.light + (0.55 - 0.4 * down)[..., None] * mirrored

    @staticmethod
    def _light_windows(
        canvas: Canvas,
        context: SceneContext,
        random: StableRandom,
        panes: np.ndarray,
        position: tuple[np.ndarray, np.ndarray],
        count: tuple[int, int],
    ) -> None:
        table = random.uniform_array(count[1] + 1, count[0] + 1)
        if not context.time.lamps_on:
            return
        column = np.minimum(np.maximum(position[0].astype(np.int64), 0), count[0])
        row = np.minimum(np.maximum(position[1].astype(np.int64), 0), count[1])
        brightness = table[row, column]
        lit = panes & (brightness > 0.4)
        canvas.paint(lit, _LAMP * (0.6 + 0.4 * brightness)[..., None], WINDOW, glows=True)

    def _paint_roof(self, canvas: Canvas, context: SceneContext, random: StableRandom) -> None:
        style = random.choice(('gable', 'hip', 'flat'))
        width = self.right - self.left
        height = 0.035 if style == 'flat' else min(random.uniform(0.26, 0.42) * width, 0.13)
        overhang = 0.015
        colour = np.array(context.roof) * random.uniform(0.9, 1.1)
        left, right = self.left - overhang, self.right + overhang
        part = canvas.window(left, self.top - height, right, self.top + 0.008)
        if part is None:
            return
        down = (part.y - self.top + height) / height
        narrowing = {'gable': 1.0, 'hip': 0.45, 'flat': 0.0}[style]
        half = (0.5 * width + overhang) * (1.0 - narrowing * np.maximum(1.0 - down, 0.0))
        mask = np.abs(part.x - 0.5 * (left + right)) < half
        tiles = np.where(fraction(part.y / 0.032) < 0.5, 1.0, 0.82) + 0.15 * (part.grain - 0.5)
        shown = colour * tiles[..., None]
        if context.season.snow:
            snow = _SNOW * (0.94 + 0.06 * tiles[..., None])
            shown = np.where((down < 0.72)[..., None], snow, shown)
        part.paint(mask, shown, ROOF)
