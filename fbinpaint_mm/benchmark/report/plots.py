"""Plots of a benchmark: scores against hole area, and against time.

Figures are built without pyplot, so that drawing them changes no global state.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from fbinpaint_mm.benchmark.report.score_table import ALL, FINAL, ScoreTable
from fbinpaint_mm.visualization.plot_panels import COLORS, REFERENCE_COLOR, make_panels
from fbinpaint_mm.write_file import write_file

MARKERS = ('s', '^', 'D', 'v', 'P', 'X', '*', '<', '>')
LEGEND_LINE = 0.21  # inches
DOTS_PER_INCH = 120
TRUETYPE = 42

# Keyword arguments of ``Axes.plot``.
Style = dict[str, Any]


def entry_styles(table: ScoreTable) -> dict[str, Style]:
    """Color and marker of each entry, the same in every plot of a benchmark.

    Returns:
        Colors repeat after six entries, with another marker.
    """
    reference = table.benchmark.reference
    styles = {reference: Style(color=REFERENCE_COLOR, marker='o', linestyle='')}
    for index, name in enumerate(one for one in table.entries if one != reference):
        color, marker = COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)]
        styles[name] = Style(color=color, marker=marker, linestyle='')
    return styles


def write_area_plot(table: ScoreTable, path: Path) -> Path:
    """Each metric against the hole area, with bootstrap intervals; a point per entry and bin.

    Args:
        table: The scores; metrics without scores of images have no panel.
        path: File to write: ``.png``, ``.pdf`` or ``.svg``.

    Returns:
        The path.
    """
    metrics, styles = table.image_metrics(), entry_styles(table)
    figure, panels = make_panels(len(metrics))
    for axes, metric in zip(panels, metrics, strict=True):
        draw_area_panel(axes, table, metric, styles)
    add_legend(figure, {name: styles[name] for name in table.entries})
    return save(figure, path)


def draw_area_panel(axes: Axes, table: ScoreTable, metric: str, styles: dict[str, Style]) -> None:
    """One metric against the hole-area bins; entries stand side by side within a bin.

    Their points are not joined: side by side, the lines would not show which of them is higher.
    """
    bins = table.bins[1:]
    offsets = np.linspace(-0.25, 0.25, len(table.entries)) if len(table.entries) > 1 else [0.0]
    scores = table.select(metric=metric, round=FINAL)
    for name, offset in zip(table.entries, offsets, strict=True):
        if name in scores.index:
            found = scores.loc[name].reindex(bins)
            x = np.arange(len(bins)) + offset
            axes.vlines(x, found['low'], found['high'], color=styles[name]['color'], linewidth=1.2)
            axes.plot(x, found['mean'], **styles[name])
    axes.set_xticks(range(len(bins)), bins)
    axes.set_xlabel('hole, % of the image')
    label_scores(axes, table, metric)
    axes.grid(axis='y', color='0.9')


def write_time_plot(table: ScoreTable, path: Path) -> Path:
    """Each metric against the time per image; entries with rounds as paths from round 0 on.

    Args:
        table: The scores of a benchmark; entries without a measured time are left out.
        path: File to write: ``.png``, ``.pdf`` or ``.svg``.

    Returns:
        The path.
    """
    styles = entry_styles(table)
    timed = [name for name in table.entries if table.benchmark.entry(name).speed]
    figure, panels = make_panels(len(table.metrics))
    for axes, metric in zip(panels, table.metrics, strict=True):
        for name in timed:
            draw_path(axes, table, metric, name, styles[name])
        label_scores(axes, table, metric)
        set_time_axis(axes)
    has_rounds = any('rounds' in table.benchmark.entry(name).speed for name in timed)
    note = 'numbers: feedback rounds' if has_rounds else ''
    add_legend(figure, {name: styles[name] for name in timed}, note)
    return save(figure, path)


def draw_path(axes: Axes, table: ScoreTable, metric: str, name: str, style: Style) -> None:
    """The final result of an entry as a marker, and its rounds as numbered dots on a line."""
    final = table.find(name, metric)
    if final is None:
        return
    seconds = table.benchmark.entry(name).speed['seconds_per_image']
    axes.plot(seconds, final.mean, **style, markersize=8, zorder=3)
    path = round_points(table, metric, name)
    if not path:
        return
    axes.plot(*zip(*path.values(), strict=True), marker='.', color=style['color'], linewidth=1)
    # The last round is the final result, whose marker stands there.
    for index, point in list(path.items())[:-1]:
        text = axes.annotate(
            str(index),
            point,
            (0, 5),
            textcoords='offset points',
            ha='center',
            color=style['color'],
            fontsize=8,
        )
        # White around the number keeps it legible on lines and markers.
        text.set_path_effects([withStroke(linewidth=2.5, foreground='white')])


def round_points(table: ScoreTable, metric: str, name: str) -> dict[int, tuple[float, float]]:
    """Round -> (seconds per image, score), for the rounds that have a score."""
    timings = table.benchmark.entry(name).speed.get('rounds', ())
    scores = [table.find(name, metric, ALL, index) for index in range(len(timings))]
    return {
        index: (timing['seconds_per_image'], score.mean)
        for index, (timing, score) in enumerate(zip(timings, scores, strict=True))
        if score is not None
    }


def label_scores(axes: Axes, table: ScoreTable, metric: str) -> None:
    """Metric, direction and unit."""
    axes.set_title(table.headline(metric))
    axes.set_ylabel(table.benchmark.protocol.get(metric, {}).get('unit') or '')


def set_time_axis(axes: Axes) -> None:
    """A logarithmic axis, and room around the scores."""
    axes.set_xscale('log')
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(EngFormatter('s'))
    axes.tick_params(axis='x', labelsize=8)
    axes.set_xlabel('time per image')
    axes.margins(x=0.12, y=0.12)
    axes.grid(color='0.9')


def add_legend(figure: Figure, styles: dict[str, Style], note: str = '') -> None:
    """Name the entries below the panels, as many side by side as fit, and a note after them.

    The figure grows by the height of the legend.
    """
    handles = [Line2D([], [], label=name, **style) for name, style in styles.items()]
    if note:
        handles.append(Line2D([], [], label=note, linestyle=''))
    widest = max(map(len, [*styles, note]))
    columns = max(int(figure.get_figwidth() / (0.6 + 0.085 * widest)), 1)
    figure.legend(handles=handles, loc='outside lower center', ncols=columns, frameon=False)
    lines = math.ceil(len(handles) / columns)
    figure.set_figheight(figure.get_figheight() + 0.25 + LEGEND_LINE * lines)


def save(figure: Figure, path: Path) -> Path:
    """Write the figure in one step, in the format of the suffix."""
    buffer = io.BytesIO()
    # Many publishers refuse a PDF with fonts of Type 3, which are the default.
    with rc_context({'pdf.fonttype': TRUETYPE}):
        figure.savefig(buffer, format=path.suffix[1:], dpi=DOTS_PER_INCH)
    return write_file(path, buffer.getvalue())
