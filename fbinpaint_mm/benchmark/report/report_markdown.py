"""``results.md`` and the line of each entry in the log: what was found, for people."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fbinpaint_mm.benchmark.report.formats import (
    format_change,
    format_quantity,
    format_score,
    format_seconds,
    frame_table,
)
from fbinpaint_mm.benchmark.report.result_table import TRAINING, Cell, result_table, score_cells
from fbinpaint_mm.benchmark.report.score_table import ALL, FINAL, ScoreTable
from fbinpaint_mm.benchmark.report.speed_markdown import speed_section, training_section
from fbinpaint_mm.benchmark.report.statistics import CONFIDENCE
from fbinpaint_mm.benchmark.results import Benchmark, BenchmarkData, EntryResult
from fbinpaint_mm.write_file import write_file

SEPARATE_KEYS = ('unit', 'higher_is_better')


def write_markdown(
    table: ScoreTable,
    path: Path,
    pictures: Sequence[str] = (),
    columns: Sequence[str] | None = None,
) -> Path:
    """Write the file in one step.

    Args:
        table: The scores of a benchmark.
        path: File to write.
        pictures: Files beside it to show.
        columns: Of the main table, see ``result_table``.

    Returns:
        The path.
    """
    benchmark = table.benchmark
    speeds = {entry.name: entry.speed for entry in benchmark.entries}
    sections = [
        '# Benchmark',
        describe_run(benchmark),
        describe_metrics(table),
        main_section(table, columns),
        seed_section(table),
        *(bin_section(table, metric) for metric in table.image_metrics()),
        round_section(table),
        speed_section(speeds, benchmark.reference, 'Speed'),
        training_section(benchmark.entries),
        '\n\n'.join(f'![{Path(name).stem}]({name})' for name in pictures),
        failure_section(benchmark.entries),
    ]
    return write_file(path, '\n\n'.join(section for section in sections if section) + '\n')


def describe_run(benchmark: Benchmark) -> str:
    """Data, reference, failures, command and environment, one line each."""
    data, reference = benchmark.data, benchmark.entry(benchmark.reference)
    unscored = '' if reference.runs else ', which has no scores: no changes are given'
    lines = [
        f'- data: `{data.config}`, {data.split}, {count_images(data)} of '
        f'{data.size[0]} × {data.size[1]} pixels (height × width), SHA-256 of all pixels of '
        f'images, holes and label maps `{data.sha256}`',
        f'- reference: {reference.name}{unscored}',
    ]
    failed = [entry.name for entry in benchmark.entries if entry.error]
    if failed:
        count = f'{len(failed)} of {len(benchmark.entries)} entries'
        lines.append(f'- **failed**: {count} ({", ".join(failed)}); the errors are at the end')
    for key, value in benchmark.environment.items():
        lines.append(f'- {key}: `{value}`' if key == 'command' else f'- {key}: {value}')
    return '\n'.join(lines)


def count_images(data: BenchmarkData) -> str:
    """How many images there are, and holes if there are more."""
    if not data.images:
        return f'{len(data.samples)} images'
    return f'{len(set(data.images))} images with {len(data.samples)} holes'


def describe_metrics(table: ScoreTable) -> str:
    """What each metric measures, one line each."""
    if not table.metrics:
        return ''
    lines = []
    for metric in table.metrics:
        protocol = table.benchmark.protocol.get(metric, {})
        parts = [f'in {protocol["unit"]}'] if protocol.get('unit') else []
        for key, value in protocol.items():
            if key not in SEPARATE_KEYS and value is not None:
                parts.append(f'{key.replace("_", " ")}: {value}')
        lines.append(f'- {table.headline(metric)}: {"; ".join(parts) or "no description"}')
    return '\n'.join(['Metrics (↑ higher is better, ↓ lower is better):', '', *lines])


def main_section(table: ScoreTable, columns: Sequence[str] | None = None) -> str:
    """The main table: scores of the whole set, with their changes against the reference."""
    if not table.entries:
        return ''
    results = result_table(table, columns)
    legend = (
        f'Best in bold. Below each score: change against {table.benchmark.reference}, by the mean '
        f'log ratio, with its {100 * CONFIDENCE:.0f} % bootstrap interval over images'
    )
    several = table.scores['seed_std'].notna().any()
    legend += ' and seeds. ± standard deviation over seeds.' if several else '.'
    others = [name for name in table.benchmark.other_classes if name in table.entries]
    if others:
        names = ', '.join(others)
        legend += f' No scores of maps: {names}, whose classes are not those of the data.'
    facts = [name for name in TRAINING if name in results]
    if facts:
        legend += f' Of the training: {", ".join(facts)}.'
    return '\n\n'.join(['## All images', entry_table(table, results, changed_text), legend])


def seed_section(table: ScoreTable) -> str:
    """The changes with intervals over seeds, the images being given; empty with one seed."""
    columns = {}
    for metric in table.metrics:
        scores = table.select(metric=metric, round=FINAL, bin=ALL).dropna(subset='change_t_low')
        if len(scores):
            limits = scores['change_t_low'], scores['change_t_high']
            texts = list(map(format_change, scores['change'], *limits))
            columns[table.headline(metric)] = pd.Series(texts, scores.index, dtype=object)
    if not columns:
        return ''
    title = f'## Changes, with {100 * CONFIDENCE:.0f} % t-interval over seeds'
    legend = (
        'A change counts where this interval and the one above leave out zero: with few seeds '
        'each alone can be too narrow.'
    )
    return '\n\n'.join([title, entry_table(table, pd.DataFrame(columns), str), legend])


def bin_section(table: ScoreTable, metric: str) -> str:
    """Entries by hole-area bins."""
    columns = {}
    for bin_name in table.bins:
        scores = table.select(metric=metric, round=FINAL, bin=bin_name)
        title = bin_name if bin_name == ALL else f'{bin_name} %'
        columns[f'{title} ({scores["count"].max()})'] = score_cells(table, metric, scores)
    counted = 'holes' if table.benchmark.data.images else 'images'
    title = f'## {table.headline(metric)} by hole area (number of {counted})'
    return f'{title}\n\n{entry_table(table, pd.DataFrame(columns), score_text)}'


def round_section(table: ScoreTable) -> str:
    """Rounds as columns for the entries that have rounds, the best round of each row in bold."""
    scores = table.select(bin=ALL)
    scores = scores[scores.index.get_level_values('round') != FINAL]
    rows = {
        f'{entry}, {table.headline(metric)}': score_cells(table, metric, part.loc[entry, metric])
        for (entry, metric), part in scores.groupby(['entry', 'metric'], observed=True)
    }
    if not rows:
        return ''
    frame = pd.DataFrame(rows).T
    frame = frame[sorted(frame)].add_prefix('round ').map(score_text, na_action='ignore')
    return f'## Feedback rounds, all images\n\n{frame_table(frame)}'


def failure_section(entries: Sequence[EntryResult]) -> str:
    """The error of each entry that failed; empty if none did."""
    parts = [
        f'**{entry.name}**\n\n{textwrap.indent(entry.error.strip(), "    ")}'
        for entry in entries
        if entry.error
    ]
    return '\n\n'.join(['## Failed', *parts]) if parts else ''


def entry_table(table: ScoreTable, cells: pd.DataFrame, write: Callable[[Any], str]) -> str:
    """A table with a row for each entry that any column has a cell of."""
    frame = cells.map(write, na_action='ignore')
    frame = frame.reindex([name for name in table.entries if name in frame.index])
    reference = table.benchmark.reference
    return frame_table(frame.rename(index={reference: f'{reference} (reference)'}))


def score_text(cell: Cell) -> str:
    """A score with its spread over seeds, the best in bold."""
    text = f'**{cell.text}**' if cell.is_best else cell.text
    return f'{text} ± {cell.spread}' if cell.spread else text


def changed_text(cell: Cell) -> str:
    """The same, and below it the change against the reference."""
    return f'{score_text(cell)}\n{cell.change}' if cell.change else score_text(cell)


def summary_line(entry: EntryResult) -> str:
    """One line for the log: final scores of the whole set, mean over seeds, and what they cost.

    ``one_way: PSNR 20.46, SSIM 0.6577 (48 ms/image, 1.24 M parameters)``

    Args:
        entry: What was measured.

    Returns:
        One line; for an entry that failed the last line of its error.
    """
    reason = (entry.error or 'no scores').strip().splitlines()[-1]
    if not entry.runs:
        return f'{entry.name}: failed: {reason}'
    scores = [
        f'{metric} {format_score(metric, score)}' for metric, score in final_scores(entry).items()
    ]
    costs = cost_texts(entry)
    line = f'{entry.name}: {", ".join(scores)}' + (f' ({", ".join(costs)})' if costs else '')
    return f'{line}; failed: {reason}' if entry.error else line


def final_scores(entry: EntryResult) -> dict[str, float]:
    """Metric -> final score of the whole set, mean over seeds."""
    seeds = []
    for run in entry.runs:
        scores = [*(one.score() for one in run.series), *run.set_scores.values()]
        named = zip(run.names(), scores, strict=True)
        seeds.append({name.metric: score for name, score in named if name.round is None})
    return pd.DataFrame(seeds).mean(skipna=False).to_dict()


def cost_texts(entry: EntryResult) -> list[str]:
    """Time per image, parameters and seeds, as far as they are known."""
    texts = []
    if entry.speed.get('seconds_per_image'):
        texts.append(f'{format_seconds(entry.speed["seconds_per_image"])}/image')
    if entry.speed.get('parameters'):
        texts.append(f'{format_quantity(entry.speed["parameters"])} parameters')
    if len(entry.runs) > 1:
        texts.append(f'{len(entry.runs)} seeds')
    return texts
