"""Curves of training logs as a plot and as a table."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Panel -> line -> iteration -> value.
Panels = Mapping[str, Mapping[str, Mapping[int, float]]]

# Okabe and Ito's palette without its yellow: told apart with any kind of colour vision.
COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#000000')
PANEL = (4.8, 3.2)  # inches
MOST_COLUMNS = 3
MOST_MARKERS = 40  # points of a line; beyond that they would cover it


def plot(panels: Panels, path: Path, title: str = '') -> None:
    """Write one panel for each scalar, with its lines over the iterations.

    Args:
        panels: Name of each panel -> label of each line -> iteration -> value.
        path: File to write; its suffix decides the format.
        title: Line at the top.
    """
    columns = min(len(panels), MOST_COLUMNS)
    rows = math.ceil(len(panels) / columns)
    size = (PANEL[0] * columns, PANEL[1] * rows + 0.3 * bool(title))
    figure = Figure(size, dpi=120, layout='constrained')
    FigureCanvasAgg(figure)  # no display
    figure.suptitle(title)
    colors = color_lines(panels)
    for index, (name, lines) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(rows, columns, index)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel('iteration')
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color='0.9')
        for label, points in lines.items():
            marker = '.' if len(points) <= MOST_MARKERS else ''
            axes.plot(
                *zip(*points.items(), strict=True), color=colors[label], marker=marker, label=label
            )
        if len(lines) > 1:
            axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def color_lines(panels: Panels) -> dict[str, str]:
    """A colour for each label, the same in all panels; they repeat after seven."""
    labels = dict.fromkeys(label for lines in panels.values() for label in lines)
    return dict(zip(labels, cycle(COLORS), strict=False))


def write_csv(panels: Panels, path: Path) -> None:
    """Write every point as a line ``curve,line,iteration,value``.

    Args:
        panels: As for ``plot``.
        path: File to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(('curve', 'line', 'iteration', 'value'))
        writer.writerows(
            (name, label, step, value)
            for name, lines in panels.items()
            for label, points in lines.items()
            for step, value in points.items()
        )
