"""The classes of the procedural scenes; a class id is the position in ``CLASSES``."""

from __future__ import annotations

CLASSES = (
    'sky',
    'mountain',
    'water',
    'grass',
    'road',
    'wall',
    'window',
    'roof',
    'tree',
    'car',
)
SKY, MOUNTAIN, WATER, GRASS, ROAD, WALL, WINDOW, ROOF, TREE, CAR = range(len(CLASSES))

# RGB, for pictures of label maps only.
PALETTE = (
    (135, 206, 235),
    (139, 125, 123),
    (30, 100, 200),
    (124, 200, 60),
    (128, 64, 128),
    (230, 190, 140),
    (255, 240, 70),
    (200, 50, 40),
    (20, 110, 40),
    (250, 100, 230),
)
