"""What a scene stands on and in front of: sky, mountains, meadow, roads and a lake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from fbinpaint_mm.datasets.procedural.canvas import (
    EVERYWHERE,
    GRASS,
    MOUNTAIN,
    ROAD,
    SKY,
    WATER,
    Canvas,
    fraction,
    smooth_curve,
    smooth_field,
)
from fbinpaint_mm.datasets.stable_random import StableRandom

_ROCK = np.array((124, 110, 104))
_SNOW = np.array((240, 243, 250))
_STARLIGHT = np.array((220, 224, 240))
_ASPHALT = np.array((98, 98, 104))
_CURB = np.array((176, 174, 168))
_LAKE = np.array((36, 98, 140))

Height = TypeVar('Height', float, np.ndarray)


def paint_sky(canvas: Canvas, random: StableRandom) -> None:
    """Paint gradient, stars, sun or moon with its glow, and clouds lit by the time of day."""
    context = canvas.context
    canvas.paint(EVERYWHERE, context.sky_at(canvas.y), SKY, glows=True)
    if context.time.lamps_on:
        canvas.blend(_STARLIGHT, (canvas.grain > 0.988) * 0.8)
    distance = (canvas.x - context.sun_x) ** 2 + (canvas.y - context.sun_y) ** 2
    sun = np.array(context.time.sun)
    canvas.blend(sun, 0.45 / (1.0 + distance / 0.02))
    canvas.blend(sun, np.clip((0.0030 - distance) * 1500.0, 0.0, 1.0))
    field = 0.62 * smooth_field(random, canvas, (5, 3))
    field += 0.38 * smooth_field(random, canvas, (14, 8))
    cover = np.clip((field - random.uniform(0.45, 0.62)) * 5.0, 0.0, 0.85)
    canvas.blend(np.array(context.time.cloud), cover)


def paint_mountains(canvas: Canvas, random: StableRandom) -> None:
    """Paint one or two ridges; the farther one is taller and hazier."""
    haze = random.uniform(0.30, 0.42)
    for distance in range(random.integer(1, 2), 0, -1):
        height = random.uniform(0.14, 0.24) + 0.10 * (distance - 1)
        _paint_ridge(canvas, random, height, haze * (0.5 + 0.5 * distance))


def _paint_ridge(canvas: Canvas, random: StableRandom, height: float, haze: float) -> None:
    context = canvas.context
    part = canvas.window(0.0, context.horizon - 1.3 * height, 1.0, context.horizon + 0.02)
    assert part is not None, 'the horizon is inside every picture'
    ridge = 0.62 * smooth_curve(random, part.x, 4) + 0.26 * smooth_curve(random, part.x, 9)
    ridge = context.horizon - height * (0.25 + ridge + 0.12 * smooth_curve(random, part.x, 23))
    depth = part.y - ridge
    # Ribs run down from the ridge, turned away from the light: bright on the sun's side.
    along = part.x - context.sun_side * 0.6 * depth
    ribs = smooth_curve(random, along, 22) + 0.6 * smooth_curve(random, along, 47)
    shade = 0.50 + 0.5 * ribs
    snow_depth = height * (0.50 if context.season.snow else 0.16)
    snow = depth < snow_depth * (0.4 + 1.2 * ribs)
    meadow = np.array(context.season.grass) * 0.55
    share = np.clip(depth / height, 0.0, 1.0)[..., None]
    color = _ROCK + share * (meadow - _ROCK)
    color = np.where(snow[..., None], _SNOW, color) * shade[..., None]
    far = context.sky_at(np.full((1, 1), context.horizon)) / np.maximum(context.light, 0.2)
    part.paint(depth > 0, color + haze * (far - color), MOUNTAIN)


def paint_meadow(canvas: Canvas, random: StableRandom) -> None:
    """Paint the ground below the horizon: patches, blades that grow with nearness, flowers."""
    horizon, season = canvas.context.horizon, canvas.context.season
    nearness = np.maximum((canvas.y - horizon) / (1.0 - horizon), 0.0)
    patches = smooth_field(random, canvas, (12, 5))
    blades = (canvas.grain - 0.5) * (0.08 + 0.22 * nearness) * (0.3 if season.snow else 1.0)
    shade = 1.06 - 0.22 * nearness + 0.22 * (patches - 0.5) + blades
    color = np.array(season.grass) * shade[..., None]
    flowers = (canvas.grain > 0.955) & (patches > 0.5)
    color = np.where(flowers[..., None], np.array(season.speckle), color)
    canvas.paint(canvas.y > horizon, color, GRASS)


@dataclass(frozen=True)
class PerspectiveRoad:
    """A road to the horizon.

    Args:
        horizon: Height of the horizon in y.
        vanishing_x: Where the road meets the horizon, in x.
        near_x: Center of the road at the lower border, in x.
        near_half_width: Half of its width there.
        bend: How far it swings to the side on the way.
    """

    horizon: float
    vanishing_x: float
    near_x: float
    near_half_width: float
    bend: float

    def nearness(self, y: Height) -> Height:
        """0 at the horizon (and above), 1 at the lower border."""
        return np.maximum((y - self.horizon) / (1.0 - self.horizon), 0.0)

    def center(self, y: Height) -> Height:
        """Center of the road in x at a height."""
        near = self.nearness(y)
        straight = self.vanishing_x + (self.near_x - self.vanishing_x) * near
        return straight + self.bend * near * (1.0 - near)

    def half_width(self, y: Height) -> Height:
        """Half of the width of the road at a height."""
        return 0.012 + (self.near_half_width - 0.012) * self.nearness(y)

    def paint(self, canvas: Canvas, random: StableRandom) -> None:
        """Paint asphalt, curbs and dashes that shorten with distance."""
        offset = np.abs((canvas.x - self.center(canvas.y)) / self.half_width(canvas.y))
        below = canvas.y > self.horizon
        canvas.paint(below & (offset < 1.0), _asphalt(canvas), ROAD)
        canvas.paint(below & (np.abs(offset - 0.95) < 0.05), _CURB, ROAD)
        dashes = fraction(1.3 / (self.nearness(canvas.y) + 0.16) + random.uniform()) < 0.55
        marks = below & (offset < 0.055) & dashes
        canvas.paint(marks, np.array(canvas.context.lane_mark), ROAD)


def paint_crossing_road(canvas: Canvas, random: StableRandom, top: float, bottom: float) -> None:
    """Paint asphalt between two heights, curbs above and below, dashes along the middle."""
    across = (canvas.y - top) / (bottom - top)
    canvas.paint((across > 0) & (across < 1), _asphalt(canvas), ROAD)
    canvas.paint((across > 0) & (np.abs(across - 0.5) > 0.44) & (across < 1), _CURB, ROAD)
    dashes = fraction(canvas.x * random.uniform(4.5, 6.5) + random.uniform()) < 0.55
    marks = (np.abs(across - 0.5) < 0.05) & dashes
    canvas.paint(marks, np.array(canvas.context.lane_mark), ROAD)


def _asphalt(canvas: Canvas) -> np.ndarray:
    """(H,W,3) gray with grain; slush makes it brighter in winter."""
    gray = _ASPHALT + (26.0 if canvas.context.season.snow else 0.0)
    return gray * (0.93 + 0.14 * canvas.grain)[..., None]


def paint_lake(canvas: Canvas, random: StableRandom, shore: float, bank: float) -> None:
    """Fill the band between two shores with the rippled mirror image of what is above it.

    Args:
        canvas: Canvas with everything that the lake mirrors already painted.
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
    columns = np.clip(np.arange(width) + shift, 0, width - 1)
    mirror = canvas.image[np.maximum(rows, 0), columns]
    tint = _LAKE * np.maximum(canvas.context.light, 0.45)
    glitter = (0.92 + 0.10 * wave + 0.16 * (canvas.grain - 0.5))[..., None]
    color = (0.58 * mirror + 0.42 * tint) * glitter
    canvas.paint((canvas.y > far) & (canvas.y < near), color, WATER, glows=True)
