"""Tables of speed and of what training costs, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from fbinpaint_mm.benchmark.report.formats import (
    MISSING,
    format_bytes,
    format_quantity,
    format_ratio,
    format_seconds,
    frame_table,
)
from fbinpaint_mm.benchmark.results import Benchmark, EntryResult

# Switch -> number of rounds -> measured numbers, or an ``error``.
Costs = Mapping[str, Mapping[int, Mapping[str, Any]]]


class Column(NamedTuple):
    """One measured number.

    Attributes:
        title: Heading.
        key: Key in ``EntryResult.speed``.
        write: Formats the number.
        per_second: Shows one over the number: a rate instead of a duration.
    """

    title: str
    key: str
    write: Callable[[float], str]
    per_second: bool = False

    def read(self, speed: Mapping[str, Any]) -> float | None:
        """The number as the column shows it; ``None`` where it is not known."""
        value = speed.get(self.key)
        if not self.per_second:
            return value
        return 1.0 / value if value else None


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
    Column('iterations', 'iterations', '{:.0f}'.format),
    Column('time', 'seconds', format_seconds),
    Column('FLOPs', 'flops', format_quantity),
)
COST_COLUMNS = (
    Column('Peak memory', 'peak_memory', format_bytes),
    Column('Time', 'seconds', format_seconds),
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
    speeds = {entry.name: entry.speed for entry in entries if entry.speed}
    frame = compare(speeds, COLUMNS, speeds.get(reference, {}))
    if frame.empty:
        return ''
    legend = (
        f'{describe_conditions(speeds.values())}; multiply and add count as two FLOPs. In '
        f'brackets: multiple of {reference}.'
    )
    return '\n\n'.join([f'{level} {title}', frame_table(frame), legend])


def describe_conditions(speeds: Iterable[Mapping[str, Any]]) -> str:
    """How the medians were taken, such as ``Medians (warm up 3, repeats 4 to 7, ...)``."""
    known = pd.DataFrame([speed['conditions'] for speed in speeds if 'conditions' in speed])
    if known.empty:
        return 'Medians'
    ranges = [
        f'{key.replace("_", " ")} {low:.0f}' + (f' to {high:.0f}' if high > low else '')
        for key, low, high in zip(known, known.min(), known.max(), strict=True)
    ]
    text = f'Medians ({", ".join(ranges)})'
    if 'training_repeats' not in known:
        return text
    return f'{text}; training at the batch size of the config, without loading data'


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
    base = next(entry.speed for entry in entries if entry.name == reference)
    rows: dict[str, pd.Series] = {}
    for entry in entries:
        rounds = compare(dict(enumerate(entry.speed.get('rounds', []))), ROUND_COLUMNS, base)
        rows.update({f'{entry.name}, {quantity}': rounds[quantity] for quantity in rounds})
    if not rows:
        return ''
    frame = pd.DataFrame(rows).T
    frame.columns = [f'{index} round{"" if index == 1 else "s"}' for index in frame]
    return f'{level} {title}\n\n{frame_table(frame)}'


def training_section(benchmark: Benchmark) -> str:
    """What the trainings spent and started from; empty if the benchmark did not train."""
    trained = [entry for entry in benchmark.entries if any(run.training for run in entry.runs)]
    spent = {
        entry.name: pd.DataFrame([run.training for run in entry.runs]).mean().to_dict()
        for entry in trained
    }
    frame = compare(spent, TRAINING_COLUMNS, {})
    if frame.empty:
        return ''
    frame.insert(0, 'seeds', [len(entry.runs) for entry in trained])
    parts = ['## Training, mean over seeds', frame_table(frame), list_starts(trained)]
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


def cost_tables(costs: Costs, reference: tuple[str, int]) -> str:
    """One table for memory and one for time: a row for each switch, a column for each R.

    Args:
        costs: Numbers of ``measure_training_cost`` by switch and number of rounds.
        reference: Switch and number of rounds that all others are given as multiples of.

    Returns:
        Markdown.
    """
    switch, rounds = reference
    base = costs.get(switch, {}).get(rounds, {})
    parts = []
    for column in COST_COLUMNS:
        cells = {
            f'`{name}`': {number: cell(cost, base, column) for number, cost in row.items()}
            for name, row in costs.items()
        }
        frame = pd.DataFrame.from_dict(cells, orient='index').sort_index(axis=1)
        title = f'**{column.title} of a training iteration**, in brackets: multiple of `{switch}`'
        table = frame_table(frame.add_prefix('R = '), corner='switch')
        parts.append(f'{title} with R = {rounds}\n\n{table}')
    failures = [
        f'- `{name}` with R = {number} failed: {cost["error"]}'
        for name, row in costs.items()
        for number, cost in row.items()
        if 'error' in cost
    ]
    return '\n\n'.join([*parts, *failures])


def compare(
    speeds: Mapping[Any, Mapping[str, Any]], columns: Sequence[Column], base: Mapping[str, Any]
) -> pd.DataFrame:
    """Measured numbers as text, with their multiples of the reference's.

    Args:
        speeds: Row -> measured numbers.
        columns: Those that no row has a number for are left out.
        base: The numbers of the reference; empty for no multiples.
    """
    cells = {
        column.title: [cell(speed, base, column) for speed in speeds.values()]
        for column in columns
        if any(speed.get(column.key) for speed in speeds.values())
    }
    return pd.DataFrame(cells, index=list(speeds))


def cell(speed: Mapping[str, Any], base: Mapping[str, Any], column: Column) -> str:
    """A number and, in brackets, its multiple of the reference's."""
    value, reference = column.read(speed), column.read(base)
    if value is None:
        return MISSING
    return column.write(value) + (f' ({format_ratio(value / reference)})' if reference else '')
