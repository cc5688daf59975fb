"""All files that a benchmark leaves behind."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
from mmengine.logging import print_log

from fbinpaint_mm.benchmark.report.choose_samples import choose_samples
from fbinpaint_mm.benchmark.report.contact_sheet import (
    Load,
    draw_contact_sheet,
    split_sheets,
    write_strip,
)
from fbinpaint_mm.benchmark.report.plots import write_area_plot, write_time_plot
from fbinpaint_mm.benchmark.report.report_json import write_json
from fbinpaint_mm.benchmark.report.report_markdown import write_markdown
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.benchmark.results import Benchmark
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.write_file import write_file

PICTURES = ('area.png', 'quality_time.png', 'contact_sheet*.png', 'strip.png')


def write_all(
    benchmark: Benchmark, out: Path, load: Load | None = None, bins: HoleAreaBins | None = None
) -> list[Path]:
    """Write tables, plots and contact sheets.

    ``results.json``, ``results.csv`` and ``results.md`` come first, so that a picture that cannot
    be drawn costs only itself: it is left out with a warning. Pictures of an earlier report are
    removed; without measured times there is no ``quality_time.png``, without scores no picture at
    all. At the end ``results.md`` is written again with the pictures in it.

    Args:
        benchmark: What was measured.
        out: Folder to write to.
        load: Gets the name of an entry (or ``'input'``, ``'truth'``) and of a sample; returns its
            picture, (H, W, 3) uint8 RGB, or raises ``FileNotFoundError``. Without it there is no
            contact sheet.
        bins: Hole-area bins; by default those of ``HoleAreaBins()``.

    Returns:
        The files.

    Raises:
        ValueError: Entries were scored on different images.
    """
    bins = bins or HoleAreaBins()
    table = ScoreTable(benchmark, bins)
    paths = write_tables(benchmark, table, out)
    for pattern in PICTURES:
        for stale in out.glob(pattern):
            stale.unlink()
    pictures = draw_pictures(benchmark, table, bins, load, out) if table.entries else []
    write_markdown(benchmark, table, out / 'results.md', [path.name for path in pictures])
    return paths + pictures


def draw_pictures(
    benchmark: Benchmark, table: ScoreTable, bins: HoleAreaBins, load: Load | None, out: Path
) -> list[Path]:
    """Draw plots and contact sheets of entries with scores, as far as they can be drawn."""
    pictures = [*attempt('area.png', lambda: [write_area_plot(table, out / 'area.png')])]
    if any('seconds_per_image' in entry.speed for entry in benchmark.entries):
        pictures += attempt(
            'quality_time.png',
            lambda: [write_time_plot(benchmark, table, out / 'quality_time.png')],
        )
    if load is not None:
        pictures += attempt(
            'contact_sheet.png', lambda: write_sheets(benchmark, table, bins, load, out)
        )
        pictures += attempt(
            'strip.png', lambda: [write_strip(benchmark, bins, load, out / 'strip.png')]
        )
    return pictures


def write_tables(benchmark: Benchmark, table: ScoreTable, out: Path) -> list[Path]:
    """Write ``results.json``, ``results.csv`` and ``results.md``."""
    csv = table.seeds.to_csv(index=False, lineterminator='\n')
    return [
        write_json(benchmark, table, out / 'results.json'),
        write_file(out / 'results.csv', csv),
        write_markdown(benchmark, table, out / 'results.md'),
    ]


def attempt(name: str, draw: Callable[[], Sequence[Path]]) -> Sequence[Path]:
    """The files that a function writes; none, and a warning, if it fails."""
    try:
        return draw()
    # Hours of measuring must not be lost to a picture, whatever is wrong with it.
    except Exception as error:
        print_log(
            f'{name} could not be drawn: {error}; the tables are complete\n'
            f'{traceback.format_exc()}',
            logger='current',
            level=logging.WARNING,
        )
        return []


def write_sheets(
    benchmark: Benchmark, table: ScoreTable, bins: HoleAreaBins, load: Load, out: Path
) -> list[Path]:
    """Write ``contact_sheet.png``, and ``contact_sheet_2.png``, ... if there are many entries."""
    chosen = choose_samples(benchmark, bins)
    sheets = split_sheets(table.entries, table.reference)
    paths = []
    for number, names in enumerate(sheets, start=1):
        sheet = draw_contact_sheet(benchmark, chosen, load, names)
        _, encoded = cv2.imencode('.png', sheet[..., ::-1])
        name = 'contact_sheet.png' if number == 1 else f'contact_sheet_{number}.png'
        paths.append(write_file(out / name, encoded.tobytes()))
    return paths
