"""What every round did, as pictures with captions."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.visualization.drawing import colorize, heat, outline, stripe_hole
from fbinpaint_mm.web.painted_run import PaintedRun
from fbinpaint_mm.web.preview import fit_screen, for_screen

STRIPE = 4  # pixels of the screen
CaptionedPicture = tuple[np.ndarray, str]


def draw_rounds(run: PaintedRun, palette: np.ndarray) -> list[CaptionedPicture]:
    """A row of pictures for each round.

    Args:
        run: What was painted, and the result with all rounds.
        palette: (K, 3) uint8 RGB; K = 0 for a model without semantics.

    Returns:
        For each round its picture, the map that guided it and its confidence, as (h, w, 3) uint8
        RGB at the size of the screen with a caption. Round 0 has no map: the picture with its hole
        stands there. Without semantics there is no column of maps.
    """
    pictures = []
    for number, result in enumerate(run.result.rounds):
        pictures.append((fit_screen(for_screen(result.image)), f'Round {number}'))
        if result.semantic_map is not None:
            pictures.append((draw_map(result.semantic_map, run.hole, palette), f'Map {number}'))
        elif len(palette):
            pictures.append((draw_hole(run), 'Hole'))
        pictures.append((heat(fit_screen(result.confidence)), f'Confidence {number}'))
    return pictures


def draw_hole(run: PaintedRun) -> np.ndarray:
    """The picture, (h, w, 3) uint8 RGB at the size of the screen, with stripes in the hole."""
    return stripe_hole(fit_screen(for_screen(run.picture)), _hole_on_screen(run.hole), STRIPE)


def draw_map(semantic_map: np.ndarray, hole: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """A map in colours, (h, w, 3) uint8 RGB at the size of the screen, with the hole's outline."""
    colors = colorize(fit_screen(semantic_map, smooth=False), palette)
    return outline(colors, _hole_on_screen(hole))


def _hole_on_screen(hole: np.ndarray) -> np.ndarray:
    return fit_screen(hole.astype(np.uint8), smooth=False) > 0
