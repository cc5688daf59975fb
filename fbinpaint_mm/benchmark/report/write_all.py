"""All files that a benchmark leaves behind."""

from __future__ import annotations

import errno
import json
import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from mmengine.logging import print_log

from fbinpaint_mm.benchmark.report.contact_sheet import Load, write_sheets, write_strip
from fbinpaint_mm.benchmark.report.latex import write_latex
from fbinpaint_mm.benchmark.report.plots import write_area_plot, write_time_plot
from fbinpaint_mm.benchmark.report.report_markdown import write_markdown
from fbinpaint_mm.benchmark.report.result_table import result_table
from fbinpaint_mm.benchmark.report.score_table import CHANGES, KEYS, ScoreTable
from fbinpaint_mm.benchmark.report.statistics import CHANGE, CONFIDENCE, METHOD, RESAMPLES, SEED
from fbinpaint_mm.benchmark.results import Benchmark
from fbinpaint_mm.write_file import write_file

LATEX = 'results.tex'
# What an earlier report may have left.
OPTIONAL = (
    LATEX,
    *(f'{plot}.{suffix}' for plot in ('area', 'quality_time') for suffix in ('png', 'pdf', 'svg')),
    'contact_sheet.png',
    'contact_sheet_[0-9]*.png',
    'strip.png',
)
# Of an OSError about another thing than the disk: a font, or a picture that is not there.
HARMLESS = (None, errno.ENOENT)
ENTRY_KEYS = ('config', 'error', 'starts', 'trained', 'speed')
RUN_KEYS = ('seed', 'checkpoint', 'training', 'environment')


def write_all(
    benchmark: Benchmark,
    out: Path,
    load: Load,
    columns: Sequence[str] | None = None,
    latex: bool = False,
    figures: str | None = None,
) -> list[Path]:
    """Write tables, plots and contact sheets.

    Tables come first, so that a picture that cannot be drawn costs only itself: it is left out with
    a warning. Pictures and LaTeX of an earlier report are removed; without measured times there is
    no ``quality_time.png``, without scores of images no other picture. At the end ``results.md`` is
    written again with the pictures in it.

    Args:
        benchmark: What was measured.
        out: Folder to write to.
        load: Gets the name of an entry (or ``'input'``, ``'truth'``) and of a sample; returns its
            picture, (H, W, 3) uint8 RGB, or raises ``FileNotFoundError``.
        columns: Of the main table, see ``result_table``.
        latex: Whether to write ``results.tex`` too.
        figures: ``'pdf'`` or ``'svg'``: in which format to write the plots, too.

    Returns:
        The files.

    Raises:
        UserError: Entries were scored on different images.
        OSError: The disk is full or refuses.
    """
    table = ScoreTable(benchmark)
    tables = [
        write_json(table, out / 'results.json'),
        write_csv(table, out / 'results.csv'),
        write_markdown(table, out / 'results.md', columns=columns),
    ]
    for pattern in OPTIONAL:
        for stale in out.glob(pattern):
            stale.unlink()
    if latex and table.entries:
        tables.append(write_latex(result_table(table, columns), out / LATEX))
    pictures = draw_pictures(table, load, out, ['png', *([figures] if figures else [])])
    shown = [path.name for path in pictures if path.suffix == '.png']
    write_markdown(table, out / 'results.md', shown, columns)
    return tables + pictures


def write_csv(table: ScoreTable, path: Path) -> Path:
    """Write ``ScoreTable.seeds``, with the ``CHANGES`` of all seeds together in each row."""
    rows = table.seeds.join(table.scores[CHANGES], on=KEYS)
    return write_file(path, rows.to_csv(index=False, lineterminator='\n'))


def write_json(table: ScoreTable, path: Path) -> Path:
    """Write everything but the scores of single images, in one step.

    The file has ``data``, ``reference``, ``protocol``, ``environment``, ``statistics``, ``entries``
    by name, and ``scores``: the rows of ``ScoreTable.scores``, such as ``pandas.DataFrame`` takes.

    Args:
        table: The scores of a benchmark.
        path: File to write.

    Returns:
        The path.
    """
    benchmark = table.benchmark
    entries = {
        entry.name: {
            **{key: getattr(entry, key) for key in ENTRY_KEYS},
            'runs': [{key: getattr(run, key) for key in RUN_KEYS} for run in entry.runs],
        }
        for entry in benchmark.entries
    }
    content = dict(
        data=asdict(benchmark.data),
        reference=benchmark.reference,
        protocol=benchmark.protocol,
        environment=benchmark.environment,
        statistics=dict(
            change=CHANGE,
            intervals=METHOD,
            confidence=CONFIDENCE,
            resamples=RESAMPLES,
            seed=SEED,
        ),
        entries=entries,
        # By way of pandas, what is not finite becomes null.
        scores=json.loads(table.scores.reset_index().to_json(orient='records')),
    )
    return write_file(path, json.dumps(content, indent=1, default=str) + '\n')


def draw_pictures(
    table: ScoreTable, load: Load, out: Path, suffixes: Sequence[str] = ('png',)
) -> list[Path]:
    """Draw plots, in each of the formats, and contact sheets, as far as they can be drawn."""
    pictures: list[Path] = []
    if table.image_metrics():
        pictures += draw_plot(write_area_plot, table, out / 'area', suffixes)
    if any(table.benchmark.entry(name).speed for name in table.entries):
        pictures += draw_plot(write_time_plot, table, out / 'quality_time', suffixes)
    if table.image_metrics():
        pictures += attempt('contact_sheet.png', lambda: write_sheets(table, load, out))
        pictures += attempt('strip.png', lambda: [write_strip(table, load, out / 'strip.png')])
    return pictures


def draw_plot(
    write: Callable[[ScoreTable, Path], Path],
    table: ScoreTable,
    path: Path,
    suffixes: Sequence[str],
) -> Sequence[Path]:
    """The files of one plot, in each of the formats; none, and a warning, if it fails."""
    paths = [path.with_suffix(f'.{suffix}') for suffix in suffixes]
    return attempt(paths[0].name, lambda: [write(table, path) for path in paths])


def attempt(name: str, draw: Callable[[], Sequence[Path]]) -> Sequence[Path]:
    """The files that a function writes; none, and a warning, if it fails.

    Raises:
        OSError: The disk is full or refuses: that concerns all files.
    """
    try:
        return draw()
    # Hours of measuring must not be lost to a picture, whatever is wrong with it.
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in HARMLESS:
            raise
        text = f'{name} could not be drawn: {error}; the tables are complete\n'
        print_log(text + traceback.format_exc(), logger='current', level=logging.WARNING)
        return []
