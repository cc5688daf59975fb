"""Renders a whole scene from a number."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.datasets.procedural.canvas import Canvas
from fbinpaint_mm.datasets.procedural.landscape import (
    PerspectiveRoad,
    paint_crossing_road,
    paint_lake,
    paint_meadow,
    paint_mountains,
    paint_sky,
)
from fbinpaint_mm.datasets.procedural.objects import Building, Car, Tree
from fbinpaint_mm.datasets.procedural.scene_context import SceneContext
from fbinpaint_mm.datasets.stable_random import StableRandom


def render_scene(scene_seed: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Render the scene of a seed; the same on every machine.

    One of three layouts (a street to the horizon, a road that crosses the picture, a lake) is
    painted under one time of day and one season. The layout does not depend on the size.

    Args:
        scene_seed: Non-negative number of the scene.
        height: Height in pixels, best 48 or more.
        width: Width in pixels.

    Returns:
        (H,W,3) uint8 image in BGR order and (H,W) uint8 class ids, see ``CLASSES``.
    """
    # Separate streams: the number of random pixels must not move the objects.
    random, pixel_random = StableRandom(scene_seed, 0), StableRandom(scene_seed, 1)
    canvas = Canvas.blank(pixel_random, height, width, SceneContext.draw(random))
    paint_sky(canvas, random)
    if random.chance(0.75):
        paint_mountains(canvas, random)
    paint_meadow(canvas, random)
    layout = random.choice((_paint_street, _paint_crossing, _paint_lakeside))
    layout(canvas, random)
    noise = (pixel_random.uniform_array(height, width) - 0.5) * 7.0
    image = np.clip(canvas.image + noise[..., None], 0.0, 255.0)
    return np.ascontiguousarray((image + 0.5).astype(np.uint8)[..., ::-1]), canvas.seg


def _paint_street(canvas: Canvas, random: StableRandom) -> None:
    """A road to the horizon between buildings and trees, cars seen from behind."""
    road = PerspectiveRoad(
        horizon=canvas.context.horizon,
        vanishing_x=random.uniform(0.35, 0.65),
        near_x=random.uniform(0.4, 0.6),
        near_half_width=random.uniform(0.26, 0.36),
        bend=random.uniform(-0.15, 0.15),
    )
    road.paint(canvas, random)
    objects: list[Building | Tree | Car] = []
    for side in (-1, 1):
        objects += _street_side(road, side, random)
    objects += [_tree_beside(road, random) for _ in range(random.integer(1, 3))]
    objects += [_car_on(road, lane, random) for lane in (-1, 1) if random.chance(0.65)]
    for thing in sorted(objects, key=lambda thing: thing.base):
        thing.paint(canvas, random)


def _street_side(road: PerspectiveRoad, side: int, random: StableRandom) -> list[Building]:
    """Buildings along one side of a street, from far to near."""
    buildings = []
    for distance in range(random.integer(1, 2)):
        base = road.horizon + 0.04 + 0.09 * distance + random.uniform(0.0, 0.04)
        scale = 1.0 + 0.5 * distance
        width = random.uniform(0.20, 0.30) * scale
        gap = road.half_width(base) + random.uniform(0.03, 0.10) + 0.12 * distance
        inner = float(road.center(base) + side * gap)
        left, right = sorted((inner, inner + side * width))
        top = max(base - random.uniform(0.20, 0.34) * scale, 0.12)
        buildings.append(Building(left, right, top, base))
    return buildings


def _tree_beside(road: PerspectiveRoad, random: StableRandom) -> Tree:
    base = road.horizon + random.uniform(0.06, 0.34)
    side = random.choice((-1, 1))
    scale = 0.5 + 1.6 * float(road.nearness(base))
    x = float(road.center(base) + side * (road.half_width(base) + random.uniform(0.08, 0.22)))
    return Tree(x, base, random.uniform(0.26, 0.36) * scale, random.chance(0.35))


def _car_on(road: PerspectiveRoad, lane: int, random: StableRandom) -> Car:
    base = road.horizon + random.uniform(0.14, 0.48)
    half_width = float(road.half_width(base))
    return Car(float(road.center(base)) + lane * 0.48 * half_width, base, 0.72 * half_width, 0)


def _paint_crossing(canvas: Canvas, random: StableRandom) -> None:
    """A row of buildings and trees behind a road with cars seen from the side."""
    base = canvas.context.horizon + random.uniform(0.10, 0.18)
    objects = _row(random, base, (0.18, 0.36), (0.24, 0.40))
    for thing in sorted(objects, key=lambda thing: thing.base):
        thing.paint(canvas, random)
    _paint_foreground(canvas, random, base + random.uniform(0.03, 0.10))


def _paint_lakeside(canvas: Canvas, random: StableRandom) -> None:
    """Buildings and trees on the far shore of a lake, a road on the near bank."""
    shore = canvas.context.horizon + random.uniform(0.02, 0.06)
    for thing in _row(random, shore, (0.14, 0.26), (0.14, 0.28)):
        thing.paint(canvas, random)
    bank = shore + random.uniform(0.20, 0.28)
    paint_lake(canvas, random, shore, bank)
    if random.chance(0.6):
        _paint_foreground(canvas, random, bank + 0.07)
    else:
        for _ in range(random.integer(1, 3)):
            x, base = random.uniform(0.05, 0.95), random.uniform(0.86, 0.98)
            height = random.uniform(0.34, 0.55)
            Tree(x, base, height, random.chance(0.35)).paint(canvas, random)


def _row(
    random: StableRandom,
    base: float,
    widths: tuple[float, float],
    heights: tuple[float, float],
) -> list[Building | Tree]:
    """Buildings side by side with gaps, and trees in front of some gaps."""
    things: list[Building | Tree] = []
    x = random.uniform(-0.15, 0.1)
    while x < 1.0:
        width = random.uniform(*widths)
        if random.chance(0.75):
            top = max(base - random.uniform(*heights), 0.12)
            things.append(Building(x, x + width, top, base))
        gap = random.uniform(0.02, 0.16)
        if random.chance(0.6):
            height = random.uniform(0.7, 1.1) * heights[1] * 0.8
            foot = base + random.uniform(0.0, 0.02)
            things.append(Tree(x + width + 0.5 * gap, foot, height, random.chance(0.35)))
        x += width + gap
    return things


def _paint_foreground(canvas: Canvas, random: StableRandom, top: float) -> None:
    """A road across the picture with cars, and sometimes a near tree in front of it."""
    bottom = min(top + random.uniform(0.16, 0.22), 0.97)
    paint_crossing_road(canvas, random, top, bottom)
    for facing, share in ((1, 0.42), (-1, 0.90)):
        if random.chance(0.7):
            base = top + share * (bottom - top)
            length = random.uniform(0.24, 0.34)
            Car(random.uniform(0.1, 0.9), base, length, facing).paint(canvas, random)
    if random.chance(0.35):
        tree = Tree(random.uniform(0.05, 0.95), bottom + 0.03, random.uniform(0.45, 0.6), False)
        tree.paint(canvas, random)
