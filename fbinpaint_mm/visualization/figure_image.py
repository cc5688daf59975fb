"""Figures of matplotlib as images, without pyplot and so without global state or a display."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 100


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that can be drawn.

    Args:
        width: Inches, of 100 pixels each.
        height: Inches.
    """
    # Not before there is something to draw: the import takes long.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=DOTS_PER_INCH, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def to_image(figure: Figure) -> np.ndarray:
    """The figure as (height, width, 3) uint8 RGB."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
