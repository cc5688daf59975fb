"""A lake that mirrors what stands above its shore."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.datasets.procedural.canvas import Canvas
from fbinpaint_mm.datasets.procedural.classes import WATER
from fbinpaint_mm.datasets.procedural.scene_context import SceneContext
from fbinpaint_mm.datasets.procedural.smooth_noise import fraction, smooth_curve
from fbinpaint_mm.datasets.stable_random import StableRandom


def paint_lake(
    canvas: Canvas, context: SceneContext, random: StableRandom, shore: float, bank: float
) -> None:
    """Fill the band between two shores with the rippled mirror image of what is above it.

    Args:
        canvas: Canvas with everything that the lake mirrors already painted.
        context: Context of the scene.
        random: Stream that decides the shores and the ripples.
        shore: Height of the far shore in y.
        bank: Height of the near bank in y.
    """
    height, width = canvas.seg.shape
    far = shore + 0.02 * smooth_curve(random, canvas.x, 6)
    near = bank + 0.07 * (smooth_curve(random, canvas.x, 5) - 0.5)
    depth = np.maximum(canvas.y - shore, 0.0)
    rows = np.floor((shore - 0.95 * depth) * height).astype(np.int64)
    wave = fraction(canvas.y * random.uniform(14.0, 22.0) + random.uniform())
    wave = 1.0 - np.abs(2.0 * wave - 1.0) * 2.0
    shift = np.floor(wave * (0.01 + 0.06 * depth) * width).astype(np.int64)
    columns = np.minimum(np.maximum(np.arange(width) + shift, 0), width - 1)
    mirror = canvas.image[np.maximum(rows, 0), columns]
    tint = np.array((36, 98, 140)) * np.maximum(context.light, 0.45)
    glitter = (0.92 + 0.10 * wave + 0.16 * (canvas.grain - 0.5))[..., None]
    colour = (0.58 * mirror + 0.42 * tint) * glitter
    canvas.paint((canvas.y > far) & (canvas.y < near), colour, WATER, glows=True)
