"""Sections of ``results.md`` on speed and on what training cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fbinpaint_mm.benchmark.report.formats import (
    MISSING,
    format_bytes,
    format_quantity,
    format_ratio,
    format_seconds,
)
from fbinpaint_mm.benchmark.report.markdown_table import markdown_table
from fbinpaint_mm.benchmark.results import Benchmark, EntryResult


class Column(NamedTuple):
    """One measured number.

    Attributes:
        title: Heading.
        key: Key in ``EntryResult.speed``.
        write: Formats the number.
        per_second: Shows one over the number: a rate in place of a duration.
    """

    title: str
    key: str
    write: Callable[[float | None], str]
    per_second: bool = False


COLUMNS = (
    Column('parameters', 'parameters', format_quantity),
    Column('FLOPs per image', 'flops_per_image', format_quantity),
    Column('images/s', 'seconds_per_image', format_quantity, per_second=True),
    Column('peak memory', 'peak_memory', format_bytes),
    Column(
        'training iterations/s', 'training_seconds_per_iteration', format_quantity, per_second=True
    ),
    Column('training FLOPs per iteration', 'training_flops_per_iteration', format_quantity),
    Column('training peak memory', 'training_peak_memory', format_bytes),
)
ROUND_COLUMNS = (
    Column('images/s', 'seconds_per_image', format_quantity, per_second=True),
    Column('time per image', 'seconds_per_image', format_seconds),
    Column('FLOPs per image', 'flops_per_image', format_quantity),
)
TRAINING_COLUMNS = (
    Column('iterations', 'iterations', lambda value: MISSING if value is None else f'{value:.0f}'),
    Column('time', 'seconds', format_seconds),
    Column('FLOPs', 'flops', format_quantity),
)


def speed_section(
    entries: Sequence[EntryResult], reference: str, title: str = 'Speed', level: str = '##'
) -> str:
    """Size and speed of each entry with its ratio to the reference; empty if none was measured.

    Args:
        entries: The reference among them.
        reference: Name of the entry that the others are compared with.
        title: Heading.
        level: Of the heading.
    """
    base = speed_of_entry(entries, reference)
    entries = [entry for entry in entries if entry.speed]
    columns = known_columns(COLUMNS, [entry.speed for entry in entries])
    if not columns:
        return ''
    rows = [
        [entry.name, *(cell(entry.speed, base, column) for column in columns)] for entry in entries
    ]
    headers = ['', *(column.title for column in columns)]
    legend = (
        f'{describe_conditions([entry.speed for entry in entries])}; multiply and add count as two '
        f'FLOPs. In brackets: multiple of {reference}.'
    )
    return '\n\n'.join([f'{level} {title}', markdown_table(headers, rows), legend])


def speed_of_entry(entries: Sequence[EntryResult], name: str) -> dict[str, Any]:
    """``EntryResult.speed`` of the entry of that name."""
    return next(entry.speed for entry in entries if entry.name == name)


def describe_conditions(speeds: Sequence[dict[str, Any]]) -> str:
    """How the medians were taken, such as ``Medians of 7 repeats after 3 warm-up passes, ...``.

    Args:
        speeds: ``EntryResult.speed`` of each entry.
    """
    known = [speed['conditions'] for speed in speeds if speed.get('conditions')]
    if not known:
        return 'Medians'
    text = (
        f'Medians of {extent(known, "repeats")} repeats after {extent(known, "warm_up")} warm-up '
        f'passes, batch size {extent(known, "batch_size")}, {extent(known, "threads")} threads'
    )
    if not any('training_repeats' in one for one in known):
        return text
    return (
        f'{text}; training: of {extent(known, "training_repeats")} repeats after '
        f'{extent(known, "training_warm_up")}, at batch size '
        f'{extent(known, "training_batch_size")} (that of the config), without loading data'
    )


def extent(conditions: Sequence[dict[str, int]], key: str) -> str:
    """A number that all entries share, else the smallest and the largest: ``'2 to 7'``."""
    values = {one[key] for one in conditions if key in one}
    low, high = min(values), max(values)
    return f'{low}' if low == high else f'{low} to {high}'


def round_speed_section(
    entries: Sequence[EntryResult],
    reference: str,
    title: str = 'Speed by number of rounds',
    level: str = '##',
) -> str:
    """Cost of stopping after each round; empty if no entry has rounds.

    Args:
        entries: The reference among them.
        reference: Name of the entry that the others are compared with.
        title: Heading.
        level: Of the heading.
    """
    base = speed_of_entry(entries, reference)
    entries = [entry for entry in entries if entry.speed.get('rounds')]
    if not entries:
        return ''
    count = max(len(entry.speed['rounds']) for entry in entries)
    rows = []
    for entry in entries:
        rounds = entry.speed['rounds'] + [{}] * (count - len(entry.speed['rounds']))
        for column in known_columns(ROUND_COLUMNS, rounds):
            cells = [cell(speed, base, column) for speed in rounds]
            rows.append([f'{entry.name}, {column.title}', *cells])
    headers = ['', *(f'{index} rounds' if index != 1 else '1 round' for index in range(count))]
    return f'{level} {title}\n\n{markdown_table(headers, rows)}'


def training_section(benchmark: Benchmark) -> str:
    """What the trainings spent and started from; empty if the benchmark did not train."""
    entries = [entry for entry in benchmark.entries if any(run.training for run in entry.runs)]
    spent = [mean_training(entry) for entry in entries]
    columns = known_columns(TRAINING_COLUMNS, spent)
    if not columns:
        return ''
    rows = [
        [entry.name, str(len(entry.runs)), *(one.write(training.get(one.key)) for one in columns)]
        for entry, training in zip(entries, spent, strict=True)
    ]
    headers = ['', 'seeds', *(column.title for column in columns)]
    parts = ['## Training, mean over seeds', markdown_table(headers, rows), list_starts(entries)]
    return '\n\n'.join(part for part in parts if part)


def list_starts(entries: Sequence[EntryResult]) -> str:
    """The files that trainings started from, one line for each entry that has any."""
    lines = []
    for entry in entries:
        files = [f'`{one["checkpoint"]}` ({one["sha256"]})' for one in entry.starts]
        if files:
            lines.append(f'- {entry.name}: {", ".join(files)}')
    if not lines:
        return ''
    return '\n'.join(['Trainings started from (in brackets: begin of the SHA-256):', '', *lines])


def mean_training(entry: EntryResult) -> dict[str, float]:
    """Each number that the trainings of all seeds spent, mean over the seeds that know it."""
    keys = {key for run in entry.runs for key in run.training}
    return {
        key: float(np.mean([run.training[key] for run in entry.runs if key in run.training]))
        for key in keys
    }


def known_columns(columns: Sequence[Column], numbers: Sequence[dict[str, Any]]) -> list[Column]:
    """The columns for which any row has a number."""
    return [column for column in columns if any(one.get(column.key) for one in numbers)]


def cell(speed: dict[str, Any], base: dict[str, Any], column: Column) -> str:
    """A number and, in brackets, its multiple of the reference's."""
    value, reference = shown(speed, column), shown(base, column)
    text = column.write(value)
    if value is None or not reference:
        return text
    return f'{text} ({format_ratio(value / reference)})'


def shown(speed: dict[str, Any], column: Column) -> float | None:
    """The number as the column shows it; ``None`` where it is not known."""
    value = speed.get(column.key)
    if value is None or not column.per_second:
        return value
    return 1.0 / value if value > 0 else None
