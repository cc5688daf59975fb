"""Plots of a benchmark: scores against hole area, and against time.

Figures are built without pyplot, so that drawing them changes no global state.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import EngFormatter, FixedLocator, NullLocator

from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.benchmark.results import Benchmark
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization.plot_panels import COLORS, REFERENCE_COLOR, make_panels
from fbinpaint_mm.write_file import write_file

MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X', '*', '<', '>')
LINES = ('-', '--', ':', '-.')
LEGEND_LINE = 0.21  # inches
DOTS_PER_INCH = 120


class Style(NamedTuple):
    """How one entry is drawn in every plot."""

    color: str
    marker: str
    line: str


def entry_styles(entries: Sequence[str], reference: str) -> dict[str, Style]:
    """A style for each entry, the same in every plot of a benchmark.

    Args:
        entries: Names in the order of the benchmark.
        reference: Name of the black one.

    Returns:
        Colors repeat after six entries, with another marker and line.
    """
    others = [name for name in entries if name != reference]
    styles = {
        name: Style(
            COLORS[index % len(COLORS)],
            MARKERS[1 + index % (len(MARKERS) - 1)],
            LINES[index // len(COLORS) % len(LINES)],
        )
        for index, name in enumerate(others)
    }
    return {reference: Style(REFERENCE_COLOR, MARKERS[0], LINES[0]), **styles}


def write_area_plot(table: ScoreTable, path: Path) -> Path:
    """Each metric against the hole area, with bootstrap intervals; a point per entry and bin.

    Args:
        table: The scores; metrics without scores of images have no panel.
        path: PNG file to write.

    Returns:
        The path.

    Raises:
        UserError: No entry has scores of images.
    """
    metrics = [metric for metric in table.metrics if table.has_images(metric)]
    if not metrics:
        raise UserError('no entry has scores of images')
    figure, panels = make_panels(len(metrics))
    styles = entry_styles(table.entries, table.reference)
    for axes, metric in zip(panels, metrics, strict=True):
        draw_area_panel(axes, table, metric, styles)
    add_legend(figure, styles, table.entries)
    return save(figure, path)


def draw_area_panel(axes: Axes, table: ScoreTable, metric: str, styles: dict[str, Style]) -> None:
    """One metric against the hole-area bins; entries stand side by side within a bin.

    Their points are not joined: side by side, the lines would not show which of them is higher.
    """
    bins = table.bins[1:]
    offsets = np.linspace(-0.25, 0.25, len(table.entries)) if len(table.entries) > 1 else [0.0]
    for name, offset in zip(table.entries, offsets, strict=True):
        for x, bin_name in enumerate(bins):
            one = table.find(name, metric, bin_name)
            if one is not None:
                axes.vlines(x + offset, one.low, one.high, color=styles[name].color, linewidth=1.2)
        found = [table.find(name, metric, bin_name) for bin_name in bins]
        means = [one.mean if one else math.nan for one in found]
        points = plot_settings(styles[name]) | dict(linestyle='')
        axes.plot(np.arange(len(bins)) + offset, means, **points)
    axes.set_xticks(range(len(bins)), bins)
    axes.set_xlabel('hole, % of the image')
    label_scores(axes, table, metric)
    axes.grid(axis='y', color='0.9')


def write_time_plot(benchmark: Benchmark, table: ScoreTable, path: Path) -> Path:
    """Each metric against the time per image; entries with rounds as paths from round 0 on.

    Args:
        benchmark: What was measured; entries without a time are left out.
        table: Its scores.
        path: PNG file to write.

    Returns:
        The path.

    Raises:
        UserError: No entry has scores and a time.
    """
    speeds = {name: benchmark.entry(name).speed for name in table.entries}
    speeds = {name: speed for name, speed in speeds.items() if speed.get('seconds_per_image')}
    if not speeds:
        raise UserError('no entry has both scores and a time per image; measure the speed first')
    figure, panels = make_panels(len(table.metrics))
    styles = entry_styles(table.entries, table.reference)
    ticks = time_ticks([second for speed in speeds.values() for second in times_of(speed)])
    for axes, metric in zip(panels, table.metrics, strict=True):
        for name, speed in speeds.items():
            draw_path(axes, table, metric, name, speed, styles[name])
        label_scores(axes, table, metric)
        set_time_axis(axes, ticks)
    has_rounds = any(speed.get('rounds') for speed in speeds.values())
    note = 'numbers: feedback rounds' if has_rounds else ''
    add_legend(figure, styles, list(speeds), note)
    return save(figure, path)


def draw_path(
    axes: Axes, table: ScoreTable, metric: str, name: str, speed: dict[str, Any], style: Style
) -> None:
    """The final result of an entry as a marker, and its rounds as numbered dots on a line."""
    final = table.find(name, metric)
    if final is None:
        return
    end = (speed['seconds_per_image'], final.mean)
    axes.plot(*end, **{**plot_settings(style), 'markersize': 8, 'zorder': 3})
    path = round_points(table, metric, name, speed)
    if not path:
        return
    axes.plot(*zip(*path.values(), strict=True), marker='.', color=style.color, linewidth=1)
    # The last round is the final result, whose marker stands there.
    for index, point in list(path.items())[:-1]:
        text = axes.annotate(
            str(index),
            point,
            (0, 5),
            textcoords='offset points',
            ha='center',
            color=style.color,
            fontsize=8,
        )
        # White around the number keeps it legible on lines and markers.
        text.set_path_effects([withStroke(linewidth=2.5, foreground='white')])


def round_points(
    table: ScoreTable, metric: str, name: str, speed: dict[str, Any]
) -> dict[int, tuple[float, float]]:
    """Round -> (seconds per image, score), for the rounds of which both are known."""
    points = {}
    for index, timing in enumerate(speed.get('rounds', ())):
        one = table.find(name, metric, round_index=index)
        if one is not None and 'seconds_per_image' in timing:
            points[index] = (timing['seconds_per_image'], one.mean)
    return points


def label_scores(axes: Axes, table: ScoreTable, metric: str) -> None:
    """Metric, direction and unit."""
    axes.set_title(table.headline(metric))
    axes.set_ylabel(table.units[metric])


def times_of(speed: dict[str, Any]) -> list[float]:
    """Seconds per image of the whole model and of each number of rounds."""
    rounds = [one.get('seconds_per_image') for one in speed.get('rounds', ())]
    return [speed['seconds_per_image'], *(one for one in rounds if one)]


def time_ticks(seconds: Sequence[float]) -> list[float]:
    """Round numbers from just below the shortest time to just above the longest.

    Returns:
        1, 2 and 5 times powers of ten, or powers alone where those would be more than seven.
    """
    low, high = min(seconds), max(seconds)
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    for steps in ((1, 2, 5), (1,)):
        ticks = [step * 10.0**power for power in powers for step in steps]
        start = max(index for index, tick in enumerate(ticks) if tick < low)
        stop = min(index for index, tick in enumerate(ticks) if tick > high)
        if stop - start < 7:
            break
    return ticks[start : stop + 1]


def set_time_axis(axes: Axes, ticks: Sequence[float]) -> None:
    """A logarithmic axis from the first tick to the last, and room above and below the scores."""
    axes.set_xscale('log')
    axes.set_xlim(ticks[0], ticks[-1])
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(EngFormatter('s'))
    axes.tick_params(axis='x', labelsize=8)
    axes.set_xlabel('time per image')
    axes.margins(y=0.12)
    axes.grid(color='0.9')


def plot_settings(style: Style) -> dict[str, Any]:
    """A style as keyword arguments of ``Axes.plot``."""
    return dict(color=style.color, marker=style.marker, linestyle=style.line, linewidth=1.4)


def add_legend(
    figure: Figure, styles: dict[str, Style], names: Sequence[str], note: str = ''
) -> None:
    """Name the entries below the panels, as many side by side as fit, and a note after them.

    The figure grows by the height of the legend.
    """
    handles = [
        Line2D([], [], label=name, **plot_settings(styles[name]) | dict(linestyle=''))
        for name in names
    ]
    if note:
        handles.append(Line2D([], [], label=note, linestyle=''))
    widest = max(map(len, [*names, note]))
    columns = max(int(figure.get_figwidth() / (0.6 + 0.085 * widest)), 1)
    figure.legend(handles=handles, loc='outside lower center', ncols=columns, frameon=False)
    lines = math.ceil(len(handles) / columns)
    figure.set_figheight(figure.get_figheight() + 0.25 + LEGEND_LINE * lines)


def save(figure: Figure, path: Path) -> Path:
    """Write the figure as PNG in one step."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format='png', dpi=DOTS_PER_INCH)
    return write_file(path, buffer.getvalue())
