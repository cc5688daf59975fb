"""Cars seen from the side and from behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fbinpaint_mm.datasets.procedural.canvas import Canvas
from fbinpaint_mm.datasets.procedural.classes import CAR
from fbinpaint_mm.datasets.procedural.scene_context import SceneContext
from fbinpaint_mm.datasets.stable_random import StableRandom

_PAINTS = (
    (196, 40, 40),
    (40, 78, 170),
    (230, 230, 232),
    (52, 54, 60),
    (226, 176, 40),
    (60, 130, 110),
)
_TYRE = np.array((26, 26, 28))
_RIM = np.array((150, 150, 156))
_GLASS = np.array((52, 66, 84))
_HEADLIGHT = np.array((255, 246, 200))
_TAILLIGHT = np.array((226, 40, 34))


@dataclass(frozen=True)
class Car:
    """Where a car stands.

    Args:
        x: Centre in x.
        base: Ground line in y.
        length: Length (from the side) or width (from behind) in x.
        facing: -1 drives to the left, 1 to the right, 0 is seen from behind.
    """

    x: float
    base: float
    length: float
    facing: int

    def paint(self, canvas: Canvas, context: SceneContext, random: StableRandom) -> None:
        """Paint shadow, body, glass, wheels and lights."""
        colour = np.array(random.choice(_PAINTS)) * random.uniform(0.9, 1.05)
        height = self.length * (0.44 if self.facing else 0.82)
        half = 0.5 * self.length
        part = canvas.window(
            self.x - 1.05 * half,
            self.base - height,
            self.x + 1.05 * half,
            self.base + 0.12 * height,
        )
        if part is None:
            return
        across = (part.x - self.x) / half
        up = (self.base - part.y) / height
        shadow = across * across + (up / 0.14) ** 2 < 1.0
        part.blend(np.zeros(3), shadow * 0.5)
        if self.facing:
            self._paint_from_side(part, context, colour, across * self.facing, up)
        else:
            self._paint_from_behind(part, context, colour, across, up)

    @staticmethod
    def _paint_from_side(
        canvas: Canvas,
        context: SceneContext,
        colour: np.ndarray,
        across: np.ndarray,
        up: np.ndarray,
    ) -> None:
        shade = (0.78 + 0.4 * up)[..., None]
        reach = np.abs(across + 0.08)
        body = (np.abs(across) < 0.98) & (up > 0.16) & (up < 0.60)
        canvas.paint(body, colour * shade, CAR)
        canvas.paint((reach < 0.98 - 0.5 * up) & (up >= 0.58) & (up < 0.98), colour * shade, CAR)
        glass = (reach < 0.86 - 0.5 * up) & (reach > 0.05) & (up > 0.62) & (up < 0.90)
        canvas.paint(glass, _GLASS, CAR)
        wheel = (np.abs(across) - 0.58) ** 2 + (0.44 * (up - 0.18)) ** 2 * 4.0
        canvas.paint(wheel < 0.038, _TYRE, CAR)
        canvas.paint(wheel < 0.008, _RIM, CAR)
        lights = (up > 0.36) & (up < 0.54)
        glows = context.time.lamps_on
        canvas.paint(lights & (across > 0.84) & (across < 0.98), _HEADLIGHT, CAR, glows)
        canvas.paint(lights & (across < -0.86) & (across > -0.98), _TAILLIGHT, CAR, glows)

    @staticmethod
    def _paint_from_behind(
        canvas: Canvas,
        context: SceneContext,
        colour: np.ndarray,
        across: np.ndarray,
        up: np.ndarray,
    ) -> None:
        reach = np.abs(across)
        shade = (0.72 + 0.45 * up)[..., None]
        canvas.paint((reach > 0.55) & (reach < 0.9) & (up > 0.0) & (up < 0.25), _TYRE, CAR)
        canvas.paint((reach < 0.96) & (up > 0.14) & (up < 0.60), colour * shade, CAR)
        canvas.paint((reach < 1.12 - 0.4 * up) & (up >= 0.58) & (up < 0.98), colour * shade, CAR)
        canvas.paint((reach < 0.98 - 0.4 * up) & (up > 0.62) & (up < 0.90), _GLASS, CAR)
        glows = context.time.lamps_on
        canvas.paint(
            (reach > 0.62) & (reach < 0.92) & (up > 0.38) & (up < 0.54), _TAILLIGHT, CAR, glows
        )
        canvas.paint((reach < 0.25) & (up > 0.24) & (up < 0.36), _HEADLIGHT * 0.9, CAR)
