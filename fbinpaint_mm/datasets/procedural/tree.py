"""Trees: deciduous ones in the colours of the season, and conifers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fbinpaint_mm.datasets.procedural.canvas import Canvas
from fbinpaint_mm.datasets.procedural.classes import TREE
from fbinpaint_mm.datasets.procedural.scene_context import SceneContext
from fbinpaint_mm.datasets.procedural.smooth_noise import fraction
from fbinpaint_mm.datasets.stable_random import StableRandom

_BARK = np.array((92, 68, 50))
_NEEDLES = np.array((34, 74, 52))
_SNOW = np.array((236, 240, 250))


@dataclass(frozen=True)
class Tree:
    """Where a tree stands.

    Args:
        x: Centre of the trunk in x.
        base: Ground line in y.
        height: Height of the tree in y.
        conifer: True for a conifer.
    """

    x: float
    base: float
    height: float
    conifer: bool

    def paint(self, canvas: Canvas, context: SceneContext, random: StableRandom) -> None:
        """Paint shadow, trunk and crown; the crown's lit side faces the sun."""
        self._paint_shadow(canvas, context)
        reach = 0.45 * self.height
        window = canvas.window(
            self.x - reach, self.base - 1.05 * self.height, self.x + reach, self.base
        )
        brightness = random.uniform(0.88, 1.12)
        roughness = random.uniform_array(8, 8)
        if window is None:
            return
        trunk = np.abs(window.x - self.x) < 0.045 * self.height
        window.paint(trunk & (window.y > self.base - 0.45 * self.height), _BARK, TREE)
        if self.conifer:
            self._paint_needles(window, context, brightness)
        else:
            self._paint_leaves(window, context, brightness, roughness)

    def _paint_shadow(self, canvas: Canvas, context: SceneContext) -> None:
        reach, depth = 0.4 * self.height, 0.10 * self.height
        centre = self.x - context.sun_side * 0.25 * self.height
        part = canvas.window(centre - reach, self.base - depth, centre + reach, self.base + depth)
        if part is not None:
            distance = ((part.x - centre) / reach) ** 2 + ((part.y - self.base) / depth) ** 2
            part.blend(np.zeros(3), (distance < 1.0) * 0.3)

    def _paint_leaves(
        self, canvas: Canvas, context: SceneContext, brightness: float, roughness: np.ndarray
    ) -> None:
        across = (canvas.x - self.x) / (0.36 * self.height)
        down = (canvas.y - self.base + 0.64 * self.height) / (0.38 * self.height)
        columns = np.minimum(np.maximum((across + 1.2) / 2.4 * 8.0, 0.0), 7.0).astype(np.int64)
        rows = np.minimum(np.maximum((down + 1.2) / 2.4 * 8.0, 0.0), 7.0).astype(np.int64)
        lumps = roughness[rows, columns]
        crown = across * across + down * down + 0.45 * (lumps - 0.5) < 0.95
        lit = 0.5 * (context.sun_side * across - down)
        shade = 0.86 + 0.28 * lit + 0.26 * (lumps - 0.5) + 0.55 * (canvas.grain - 0.5)
        colour = np.array(context.foliage) * brightness * shade[..., None]
        canvas.paint(crown, colour, TREE)

    def _paint_needles(self, canvas: Canvas, context: SceneContext, brightness: float) -> None:
        down = (canvas.y - self.base + self.height) / (0.88 * self.height)
        tier = fraction(down * 3.999)
        half = 0.30 * self.height * (0.08 + 0.92 * down) * (0.55 + 0.45 * tier)
        across = (canvas.x - self.x) / half
        crown = (np.abs(across) < 1.0) & (down > 0.0) & (down < 1.0)
        shade = 0.85 + 0.25 * context.sun_side * across + 0.5 * (canvas.grain - 0.5)
        colour = _NEEDLES * brightness * shade[..., None]
        if context.season.snow:
            snow = ((tier < 0.45) & (down < 1.0) & (canvas.grain < 0.8))[..., None]
            colour = np.where(snow, _SNOW, colour)
        canvas.paint(crown, colour, TREE)
