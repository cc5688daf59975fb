"""What stands in a scene: buildings, trees and cars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fbinpaint_mm.datasets.procedural.canvas import (
    CAR,
    EVERYWHERE,
    ROOF,
    TREE,
    WALL,
    WINDOW,
    Canvas,
    fraction,
)
from fbinpaint_mm.datasets.stable_random import StableRandom

_PANE = np.array((46, 56, 72))
_LAMP = np.array((255, 214, 120))
_SNOWY_ROOF = np.array((238, 241, 250))
_BARK = np.array((92, 68, 50))
_NEEDLES = np.array((34, 74, 52))
_SNOWY_NEEDLES = np.array((236, 240, 250))
_CAR_PAINTS = (
    *((196, 40, 40), (40, 78, 170), (230, 230, 232)),
    *((52, 54, 60), (226, 176, 40), (60, 130, 110)),
)
_TIRE = np.array((26, 26, 28))
_RIM = np.array((150, 150, 156))
_CAR_GLASS = np.array((52, 66, 84))
_HEADLIGHT = np.array((255, 246, 200))
_TAILLIGHT = np.array((226, 40, 34))


@dataclass(frozen=True)
class Building:
    """A wall, a grid of windows and a roof.

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

    def paint(self, canvas: Canvas, random: StableRandom) -> None:
        """Paint the building; style and colors are drawn from ``random`` and the context."""
        context = canvas.context
        color = np.array(random.choice(context.walls)) * random.uniform(0.88, 1.1)
        # The side face lies away from the light.
        side = random.uniform(0.0, 0.22) * (self.right - self.left)
        lit_left = context.sun_side < 0
        front = (self.left, self.right - side) if lit_left else (self.left + side, self.right)
        material = random.integer(0, 2)
        part = canvas.window(self.left, self.top, self.right, self.base)
        if part is not None:
            self._paint_wall(part, color, material)
            part.paint((part.x < front[0]) | (part.x > front[1]), color * 0.6, WALL)
            self._paint_windows(part, random, color, front)
        self._paint_roof(canvas, random)

    def _paint_wall(self, canvas: Canvas, color: np.ndarray, material: int) -> None:
        across = (canvas.x - self.left) / (self.right - self.left)
        slope = 0.12 * canvas.context.sun_side * (2.0 * across - 1.0)
        shade = 1.0 + slope + 0.08 * (canvas.grain - 0.5)
        if material == 0:
            shade = shade * self._bricks(canvas)
        elif material == 1:
            shade = shade * np.where(fraction(across * 5.0) < 0.5, 1.0, 0.9)
        canvas.paint(EVERYWHERE, color * shade[..., None], WALL)

    @staticmethod
    def _bricks(canvas: Canvas) -> np.ndarray:
        """(H,W) brightness of rows of bricks, each row shifted by half a brick."""
        row = canvas.y / 0.047
        shifted = canvas.x / 0.094 + 0.5 * fraction(np.floor(row) / 2.0)
        mortar = (fraction(row) < 0.33) | (fraction(shifted) < 0.17)
        return np.where(mortar, 1.0, 0.84)

    def _paint_windows(
        self, canvas: Canvas, random: StableRandom, color: np.ndarray, front: tuple[float, float]
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
        canvas.paint(frame, color * 0.35 + 160.0, WALL)
        panes = inside & (reach_x < half_x) & (reach_y < half_y)
        # Dark glass mirrors the upper sky in its upper part.
        mirrored = (0.55 - 0.4 * fraction(down))[..., None] * canvas.context.sky_at(canvas.y)
        canvas.paint(panes, _PANE * canvas.context.light + mirrored, WINDOW, glows=True)
        brightness = random.uniform_array(rows + 1, columns + 1)[
            np.clip(down.astype(np.int64), 0, rows), np.clip(across.astype(np.int64), 0, columns)
        ]
        if canvas.context.time.lamps_on:
            lamps = _LAMP * (0.6 + 0.4 * brightness)[..., None]
            canvas.paint(panes & (brightness > 0.4), lamps, WINDOW, glows=True)

    def _paint_roof(self, canvas: Canvas, random: StableRandom) -> None:
        context, overhang = canvas.context, 0.015
        style = random.choice(('gable', 'hip', 'flat'))
        width = self.right - self.left
        height = 0.035 if style == 'flat' else min(random.uniform(0.26, 0.42) * width, 0.13)
        color = np.array(context.roof) * random.uniform(0.9, 1.1)
        left, right = self.left - overhang, self.right + overhang
        part = canvas.window(left, self.top - height, right, self.top + 0.008)
        if part is None:
            return
        down = (part.y - self.top + height) / height
        narrowing = {'gable': 1.0, 'hip': 0.45, 'flat': 0.0}[style]
        half = (0.5 * width + overhang) * (1.0 - narrowing * np.maximum(1.0 - down, 0.0))
        mask = np.abs(part.x - 0.5 * (left + right)) < half
        tiles = np.where(fraction(part.y / 0.032) < 0.5, 1.0, 0.82) + 0.15 * (part.grain - 0.5)
        shown = color * tiles[..., None]
        if context.season.snow:
            snow = _SNOWY_ROOF * (0.94 + 0.06 * tiles[..., None])
            shown = np.where((down < 0.72)[..., None], snow, shown)
        part.paint(mask, shown, ROOF)


@dataclass(frozen=True)
class Tree:
    """A deciduous tree in the colors of the season, or a conifer.

    Args:
        x: Center of the trunk in x.
        base: Ground line in y.
        height: Height of the tree in y.
        conifer: True for a conifer.
    """

    x: float
    base: float
    height: float
    conifer: bool

    def paint(self, canvas: Canvas, random: StableRandom) -> None:
        """Paint shadow, trunk and crown; the crown's lit side faces the sun."""
        self._paint_shadow(canvas)
        reach, top = 0.45 * self.height, self.base - 1.05 * self.height
        part = canvas.window(self.x - reach, top, self.x + reach, self.base)
        brightness = random.uniform(0.88, 1.12)
        roughness = random.uniform_array(8, 8)
        if part is None:
            return
        trunk = np.abs(part.x - self.x) < 0.045 * self.height
        part.paint(trunk & (part.y > self.base - 0.45 * self.height), _BARK, TREE)
        if self.conifer:
            self._paint_needles(part, brightness)
        else:
            self._paint_leaves(part, brightness, roughness)

    def _paint_shadow(self, canvas: Canvas) -> None:
        reach, depth = 0.4 * self.height, 0.10 * self.height
        center = self.x - canvas.context.sun_side * 0.25 * self.height
        part = canvas.window(center - reach, self.base - depth, center + reach, self.base + depth)
        if part is not None:
            distance = ((part.x - center) / reach) ** 2 + ((part.y - self.base) / depth) ** 2
            part.blend(np.zeros(3), (distance < 1.0) * 0.3)

    def _paint_leaves(self, canvas: Canvas, brightness: float, roughness: np.ndarray) -> None:
        across = (canvas.x - self.x) / (0.36 * self.height)
        down = (canvas.y - self.base + 0.64 * self.height) / (0.38 * self.height)
        columns = np.clip((across + 1.2) / 2.4 * 8.0, 0.0, 7.0).astype(np.int64)
        rows = np.clip((down + 1.2) / 2.4 * 8.0, 0.0, 7.0).astype(np.int64)
        lumps = roughness[rows, columns]
        crown = across * across + down * down + 0.45 * (lumps - 0.5) < 0.95
        lit = 0.5 * (canvas.context.sun_side * across - down)
        shade = 0.86 + 0.28 * lit + 0.26 * (lumps - 0.5) + 0.55 * (canvas.grain - 0.5)
        canvas.paint(crown, np.array(canvas.context.foliage) * brightness * shade[..., None], TREE)

    def _paint_needles(self, canvas: Canvas, brightness: float) -> None:
        down = (canvas.y - self.base + self.height) / (0.88 * self.height)
        tier = fraction(down * 3.999)
        half = 0.30 * self.height * (0.08 + 0.92 * down) * (0.55 + 0.45 * tier)
        across = (canvas.x - self.x) / half
        crown = (np.abs(across) < 1.0) & (down > 0.0) & (down < 1.0)
        shade = 0.85 + 0.25 * canvas.context.sun_side * across + 0.5 * (canvas.grain - 0.5)
        color = _NEEDLES * brightness * shade[..., None]
        if canvas.context.season.snow:
            snow = ((tier < 0.45) & (down < 1.0) & (canvas.grain < 0.8))[..., None]
            color = np.where(snow, _SNOWY_NEEDLES, color)
        canvas.paint(crown, color, TREE)


@dataclass(frozen=True)
class Car:
    """A car seen from the side or from behind.

    Args:
        x: Center in x.
        base: Ground line in y.
        length: Length (from the side) or width (from behind) in x.
        facing: -1 drives to the left, 1 to the right, 0 is seen from behind.
    """

    x: float
    base: float
    length: float
    facing: int

    def paint(self, canvas: Canvas, random: StableRandom) -> None:
        """Paint shadow, body, glass, wheels and lights."""
        color = np.array(random.choice(_CAR_PAINTS)) * random.uniform(0.9, 1.05)
        height = self.length * (0.44 if self.facing else 0.82)
        half = 0.5 * self.length
        left, right = self.x - 1.05 * half, self.x + 1.05 * half
        part = canvas.window(left, self.base - height, right, self.base + 0.12 * height)
        if part is None:
            return
        across = (part.x - self.x) / half
        up = (self.base - part.y) / height
        part.blend(np.zeros(3), (across * across + (up / 0.14) ** 2 < 1.0) * 0.5)
        if self.facing:
            self._paint_from_side(part, color, across * self.facing, up)
        else:
            self._paint_from_behind(part, color, np.abs(across), up)

    @staticmethod
    def _paint_from_side(
        canvas: Canvas, color: np.ndarray, across: np.ndarray, up: np.ndarray
    ) -> None:
        painted = color * (0.78 + 0.4 * up)[..., None]
        reach = np.abs(across + 0.08)
        canvas.paint((np.abs(across) < 0.98) & (up > 0.16) & (up < 0.60), painted, CAR)
        canvas.paint((reach < 0.98 - 0.5 * up) & (up >= 0.58) & (up < 0.98), painted, CAR)
        glass = (reach < 0.86 - 0.5 * up) & (reach > 0.05) & (up > 0.62) & (up < 0.90)
        canvas.paint(glass, _CAR_GLASS, CAR)
        wheel = (np.abs(across) - 0.58) ** 2 + (0.44 * (up - 0.18)) ** 2 * 4.0
        canvas.paint(wheel < 0.038, _TIRE, CAR)
        canvas.paint(wheel < 0.008, _RIM, CAR)
        lights, glow = (up > 0.36) & (up < 0.54), canvas.context.time.lamps_on
        canvas.paint(lights & (across > 0.84) & (across < 0.98), _HEADLIGHT, CAR, glow)
        canvas.paint(lights & (across < -0.86) & (across > -0.98), _TAILLIGHT, CAR, glow)

    @staticmethod
    def _paint_from_behind(
        canvas: Canvas, color: np.ndarray, reach: np.ndarray, up: np.ndarray
    ) -> None:
        painted = color * (0.72 + 0.45 * up)[..., None]
        canvas.paint((reach > 0.55) & (reach < 0.9) & (up > 0.0) & (up < 0.25), _TIRE, CAR)
        canvas.paint((reach < 0.96) & (up > 0.14) & (up < 0.60), painted, CAR)
        canvas.paint((reach < 1.12 - 0.4 * up) & (up >= 0.58) & (up < 0.98), painted, CAR)
        canvas.paint((reach < 0.98 - 0.4 * up) & (up > 0.62) & (up < 0.90), _CAR_GLASS, CAR)
        lights = (reach > 0.62) & (reach < 0.92) & (up > 0.38) & (up < 0.54)
        canvas.paint(lights, _TAILLIGHT, CAR, canvas.context.time.lamps_on)
        canvas.paint((reach < 0.25) & (up > 0.24) & (up < 0.36), _HEADLIGHT * 0.9, CAR)
