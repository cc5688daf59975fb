"""Sky, mountains and meadow: what every scene has behind its objects."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.datasets.procedural.canvas import Canvas
from fbinpaint_mm.datasets.procedural.classes import GRASS, MOUNTAIN, SKY
from fbinpaint_mm.datasets.procedural.scene_context import SceneContext
from fbinpaint_mm.datasets.procedural.smooth_noise import smooth_curve, smooth_field
from fbinpaint_mm.datasets.stable_random import StableRandom

_ROCK = np.array((124, 110, 104))
_SNOW = np.array((240, 243, 250))


def paint_sky(canvas: Canvas, context: SceneContext, random: StableRandom) -> None:
    """Paint gradient, stars, sun or moon with its glow, and clouds lit by the time of day."""
    canvas.paint(np.True_, context.sky_at(canvas.y), SKY, glows=True)
    if context.time.lamps_on:
        canvas.blend(np.array((220, 224, 240)), (canvas.grain > 0.988) * 0.8)
    distance = (canvas.x - context.sun_x) ** 2 + (canvas.y - context.sun_y) ** 2
    sun = np.array(context.time.sun)
    canvas.blend(sun, 0.45 / (1.0 + distance / 0.02))
    canvas.blend(sun, np.minimum(np.maximum((0.0030 - distance) * 1500.0, 0.0), 1.0))
    field = 0.62 * smooth_field(random, canvas.y, canvas.x, (5, 3))
    field += 0.38 * smooth_field(random, canvas.y, canvas.x, (14, 8))
    cover = np.minimum(np.maximum((field - random.uniform(0.45, 0.62)) * 5.0, 0.0), 0.85)
    canvas.blend(np.array(context.time.cloud), cover)


def paint_mountains(canvas: Canvas, context: SceneContext, random: StableRandom) -> None:
    """Paint one or two ridges; the farther one is taller and hazier."""
    haze = random.uniform(0.30, 0.42)
    for distance in range(random.integer(1, 2), 0, -1):
        height = random.uniform(0.14, 0.24) + 0.10 * (distance - 1)
        _paint_ridge(canvas, context, random, height, haze * (0.5 + 0.5 * distance))


def _paint_ridge(
    canvas: Canvas, context: SceneContext, random: StableRandom, height: float, haze: float
) -> None:
    canvas = canvas.window(0.0, context.horizon - 1.3 * height, 1.0, context.horizon + 0.02)
    ridge = 0.62 * smooth_curve(random, canvas.x, 4) + 0.26 * smooth_curve(random, canvas.x, 9)
    ridge = context.horizon - height * (0.25 + ridge + 0.12 * smooth_curve(random, canvas.x, 23))
    depth = canvas.y - ridge
    # Ribs run down from the ridge, turned away from the light: bright on the sun's side.
    along = canvas.x - context.sun_side * 0.6 * depth
    ribs = smooth_curve(random, along, 22) + 0.6 * smooth_curve(random, along, 47)
    shade = 0.50 + 0.5 * ribs
    snow_depth = height * (0.50 if context.season.snow else 0.16)
    snow = depth < snow_depth * (0.4 + 1.2 * ribs)
    meadow = np.array(context.season.grass) * 0.55
    share = np.minimum(np.maximum(depth / height, 0.0), 1.0)[..., None]
    colour = _ROCK + share * (meadow - _ROCK)
    colour = np.where(snow[..., None], _SNOW, colour) * shade[..., None]
    far = context.sky_at(np.full((1, 1), context.horizon)) / np.maximum(canvas.light, 0.2)
    canvas.paint(depth > 0, colour + haze * (far - colour), MOUNTAIN)


def paint_meadow(canvas: Canvas, context: SceneContext, random: StableRandom) -> None:
    """Paint the ground below the horizon: patches, blades that grow with nearness, flowers."""
    nearness = np.maximum((canvas.y - context.horizon) / (1.0 - context.horizon), 0.0)
    patches = smooth_field(random, canvas.y, canvas.x, (12, 5))
    blades = (canvas.grain - 0.5) * (0.08 + 0.22 * nearness) * (0.3 if context.season.snow else 1.0)
    shade = 1.06 - 0.22 * nearness + 0.22 * (patches - 0.5) + blades
    colour = np.array(context.season.grass) * shade[..., None]
    flowers = (canvas.grain > 0.955) & (patches > 0.5)
    colour = np.where(flowers[..., None], np.array(context.season.speckle), colour)
    canvas.paint(canvas.y > context.horizon, colour, GRASS)
