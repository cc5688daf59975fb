"""Panels and colors of plots, of a benchmark and of a training alike.

Figures are built without pyplot, so that drawing them changes no global state.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The palette of Okabe and Ito, less its yellow, which is too pale for lines on white. It is told
# apart with any kind of color vision; the reference is black.
REFERENCE_COLOR = '#000000'
COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00')
PANEL = (4.2, 3.1)  # inches
MAX_PANELS_IN_A_ROW = 3


def make_panels(count: int) -> tuple[Figure, list[Axes]]:
    """A figure with that many panels, at most three in a row."""
    from matplotlib.figure import Figure  # slow

    columns = max(min(count, MAX_PANELS_IN_A_ROW), 1)
    rows = max(math.ceil(count / columns), 1)
    figure = Figure((PANEL[0] * columns, PANEL[1] * rows), layout='constrained')
    return figure, [figure.add_subplot(rows, columns, index + 1) for index in range(count)]
