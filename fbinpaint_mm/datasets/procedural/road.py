"""Roads: one that runs to the horizon and one that crosses the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fbinpaint_mm.datasets.procedural.canvas import Canvas
from fbinpaint_mm.datasets.procedural.classes import ROAD
from fbinpaint_mm.datasets.procedural.scene_context import SceneContext
from fbinpaint_mm.datasets.procedural.smooth_noise import fraction
from fbinpaint_mm.datasets.stable_random import StableRandom

_ASPHALT = np.array((98, 98, 104))
_KERB = np.array((176, 174, 168))


@dataclass(frozen=True)
class PerspectiveRoad:
    """A road to the horizon.

    Args:
        horizon: Height of the horizon in y.
        vanishing_x: Where the road meets the horizon, in x.
        near_x: Centre of the road at the lower border, in x.
        near_half_width: Half of its width there.
        bend: How far it swings to the side on the way.
    """

    horizon: float
    vanishing_x: float
    near_x: float
    near_half_width: float
    bend: float

    def nearness(self, y: np.ndarray | float) -> np.ndarray | float:
        """0 at the horizon (and above), 1 at the lower border."""
        return np.maximum((y - self.horizon) / (1.0 - self.horizon), 0.0)

    def centre(self, y: np.ndarray | float) -> np.ndarray | float:
        """Centre of the road in x at a height."""
        near = self.nearness(y)
        straight = self.vanishing_x + (self.near_x - self.vanishing_x) * near
        return straight + self.bend * near * (1.0 - near)

    def half_width(self, y: np.ndarray | float) -> np.ndarray | float:
        """Half of the width of the road at a height."""
        return 0.012 + (self.near_half_width - 0.012) * self.nearness(y)


def paint_perspective_road(
    canvas: Canvas, context: SceneContext, random: StableRandom, road: PerspectiveRoad
) -> None:
    """Paint asphalt, kerbs and dashes that shorten with distance."""
    offset = (canvas.x - road.centre(canvas.y)) / road.half_width(canvas.y)
    below = canvas.y > road.horizon
    canvas.paint(below & (np.abs(offset) < 1.0), _asphalt(canvas, context), ROAD)
    canvas.paint(below & (np.abs(np.abs(offset) - 0.95) < 0.05), _KERB, ROAD)
    dashes = fraction(1.3 / (road.nearness(canvas.y) + 0.16) + random.uniform()) < 0.55
    marks = below & (np.abs(offset) < 0.055) & dashes
    canvas.paint(marks, np.array(context.lane_mark), ROAD)


def paint_crossing_road(
    canvas: Canvas, context: SceneContext, random: StableRandom, top: float, bottom: float
) -> None:
    """Paint asphalt between two heights, kerbs above and below, dashes along the middle."""
    across = (canvas.y - top) / (bottom - top)
    canvas.paint((across > 0) & (across < 1), _asphalt(canvas, context), ROAD)
    canvas.paint((across > 0) & (np.abs(across - 0.5) > 0.44) & (across < 1), _KERB, ROAD)
    dashes = fraction(canvas.x * random.uniform(4.5, 6.5) + random.uniform()) < 0.55
    marks = (np.abs(across - 0.5) < 0.05) & dashes
    canvas.paint(marks, np.array(context.lane_mark), ROAD)


def _asphalt(canvas: Canvas, context: SceneContext) -> np.ndarray:
    """(H,W,3) grey with grain; slush makes it brighter in winter."""
    grey = _ASPHALT + (26.0 if context.season.snow else 0.0)
    return grey * (0.93 + 0.14 * canvas.grain)[..., None]
