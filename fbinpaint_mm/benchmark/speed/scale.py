"""How time and memory of inference grow: one axis at a time, around one point."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure
from mmagic.registry import MODELS
from mmengine.config import Config
from tqdm import tqdm

from fbinpaint_mm.benchmark.environment import describe_environment
from fbinpaint_mm.benchmark.fresh_process import call_in_process, restore_config
from fbinpaint_mm.benchmark.report.formats import (
    format_bytes,
    format_quantity,
    format_ratio,
    format_seconds,
    markdown_table,
)
from fbinpaint_mm.benchmark.speed.inference_speed import (
    arguments_of,
    make_synthetic_batch,
    predict,
)
from fbinpaint_mm.benchmark.speed.meters import PeakMemory, count_flops, time_call
from fbinpaint_mm.config_file import read_config
from fbinpaint_mm.folder_lock import locked_folder
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization.plot_panels import COLORS, make_panels
from fbinpaint_mm.write_file import check_writable, write_file

# Titles and formats of what `point_cost` gives.
QUANTITIES = {
    'seconds': ('time per image', format_seconds),
    'peak_memory': ('peak memory', format_bytes),
    'flops': ('FLOPs per image', format_quantity),
}
HEADERS = ('axis', 'value', *(title for title, _ in QUANTITIES.values()))


class Point(NamedTuple):
    """What the cost of an image depends on.

    Attributes:
        rounds: R of inference.
        side: Height and width of the images in pixels; a quarter of each is hole.
        batch: Images at once.
        classes: K of the segmentor.
    """

    rounds: int = 2
    side: int = 256
    batch: int = 1
    classes: int = 19


AXES: dict[str, tuple[int, ...]] = dict(
    rounds=(0, 1, 2, 3),
    side=(128, 256, 512, 1024),
    batch=(1, 2, 4, 8),
    classes=(11, 19, 150),
)


def run_scale(args: Namespace) -> None:
    """Measure along every axis; print a table, write ``scale.csv``, ``.md`` and ``.png``.

    What is measured is written at once, the picture at the end.

    Args:
        args: Of ``tools/benchmark_scale.py``.

    Raises:
        UserError: An option has a key that nothing reads, the model has no segmentor, or another
            process writes to the folder.
        FileNotFoundError: The config is missing.
        ChildProcessError: A point cannot be measured.
    """
    cfg = read_config(args.config, args.cfg_options)
    check_has_segmentor(cfg)
    check_writable(args.out)
    with locked_folder(args.out):
        facts = describe_environment(['python', *sys.argv], args.device)
        lines = [*(f'- {key}: {value}' for key, value in facts.items()), '']
        log = args.out / 'scale.log'
        for frame in measure_axes(cfg, args.axes, args.device, args.limit, log):
            write_file(args.out / 'scale.csv', frame.to_csv(index=False))
            write_file(args.out / 'scale.md', '\n'.join([*lines, table(frame), '']))
        draw_axes(frame).savefig(args.out / 'scale.png', dpi=120)
    print((args.out / 'scale.md').read_text(encoding='utf-8'), end='')


def check_has_segmentor(cfg: Config) -> None:
    """Refuse a model without a segmentor.

    Raises:
        UserError: The config names none.
    """
    if not cfg.model.get('generator', {}).get('segmentor'):
        raise UserError(
            'model.generator.segmentor: found none, expected one, of which this sets the number of '
            'classes; such as fbinpaint_celebahq has'
        )


def measure_axes(
    cfg: Config, axes: Iterable[str], device: str, duration: float, log: Path
) -> Iterator[pd.DataFrame]:
    """Measure every point of some axes, each in a process of its own and only once.

    Yields:
        After each point, the default first, a row for each value of each axis that is known:
        ``axis``, ``value`` and what `point_cost` gives.
    """
    values = [(axis, value) for axis in axes for value in AXES[axis]]
    rows = [(axis, value, Point()._replace(**{axis: value})) for axis, value in values]
    call = partial(call_in_process, log=log, device=device)
    costs: dict[Point, dict[str, float]] = {}
    for point in tqdm(dict.fromkeys([Point(), *(point for *_, point in rows)]), unit='point'):
        settings = config_at(cfg, point).to_dict()
        costs[point] = call(point_cost, settings, point, device, duration)
        known = [(axis, value, costs[at]) for axis, value, at in rows if at in costs]
        yield pd.DataFrame([dict(axis=axis, value=value, **cost) for axis, value, cost in known])


def config_at(cfg: Config, point: Point) -> Config:
    """The config with the classes of a point; the given one stays."""
    cfg = deepcopy(cfg)
    cfg.merge_from_dict(
        {
            'model.data_preprocessor.num_classes': point.classes,
            'model.generator.segmentor.decode_head.num_classes': point.classes,
        }
    )
    return cfg


def point_cost(
    settings: dict[str, Any], point: Point, device: str, duration: float
) -> dict[str, float]:
    """Cost of inference at one point, in this process.

    Args:
        settings: From `config_at`.
        point: Where to measure.
        device: Such as ``'cpu'`` or ``'cuda'``.
        duration: Seconds to repeat each timing for.

    Returns:
        ``seconds`` and ``flops`` per image, and ``peak_memory`` in bytes, with the weights.
    """
    cfg, memory = restore_config(settings), PeakMemory(device)
    model = MODELS.build(cfg.model).to(device).eval()
    samples = [make_synthetic_batch(point.side) for _ in range(point.batch)]
    batch = {key: [one for sample in samples for one in sample[key]] for key in samples[0]}
    memory.restart()
    prepare = partial(arguments_of, model, batch, dict(rounds=point.rounds))
    seconds = time_call(predict, prepare, duration).seconds
    peak_memory = memory.bytes()
    return dict(
        seconds=seconds / point.batch,
        peak_memory=peak_memory,
        flops=count_flops(predict, *prepare()) / point.batch,
    )


def table(frame: pd.DataFrame) -> str:
    """All axes in one Markdown table; in brackets the multiple of the axis' default."""
    rows = []
    for row in frame.to_dict('records'):
        base = default_of(frame, row['axis'])
        cells = [
            f'{write(row[key])} ({format_ratio(row[key] / base[key])})'
            for key, (_, write) in QUANTITIES.items()
        ]
        rows.append([row['axis'], row['value'], *cells])
    return markdown_table(HEADERS, rows)


def default_of(frame: pd.DataFrame, axis: str) -> Mapping[str, float]:
    """The row of an axis at which the other axes are measured."""
    chosen = (frame.axis == axis) & (frame.value == getattr(Point(), axis))
    return frame[chosen].iloc[0].to_dict()


def draw_axes(frame: pd.DataFrame) -> Figure:
    """Time and memory over each axis, as multiples of those at the default point."""
    axes = list(dict.fromkeys(frame.axis))
    figure, panels = make_panels(len(axes))
    for axis, panel in zip(axes, panels, strict=True):
        rows, base = frame[frame.axis == axis], default_of(frame, axis)
        for key, color in zip(('seconds', 'peak_memory'), COLORS, strict=False):
            title, write = QUANTITIES[key]
            label = f'{title} (1: {write(base[key])})'
            panel.plot(rows.value, rows[key] / base[key], color=color, marker='o', label=label)
        panel.set(xlabel=axis, ylabel='multiple', xscale='linear' if axis == 'rounds' else 'log')
        panel.set_yscale('log', base=2)
        panel.set_xticks(rows.value, rows.value.astype(str), minor=False)
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    panels[0].legend(fontsize='small')
    return figure
