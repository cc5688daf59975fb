"""Tables of speed, and of what trainings spent, in Markdown."""

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
from fbinpaint_mm.benchmark.results import EntryResult


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
    Column('CPU time', 'cpu_seconds', format_seconds),
    Column('FLOPs', 'flops', format_quantity),
)


def speed_section(speeds: Mapping[str, Mapping[str, Any]], reference: str, title: str) -> str:
    """Size and speed of each model, and what it costs to stop after each round.

    Args:
        speeds: Name -> what ``EntryResult.speed`` describes, or an ``error``; some may be empty.
        reference: Name of the one that the others are compared with.
        title: Heading.

    Returns:
        Markdown; empty if nothing was measured and nothing failed.
    """
    measured = {name: speed for name, speed in speeds.items() if speed and 'error' not in speed}
    base = measured.get(reference, {})
    frame, parts = compare(measured, COLUMNS, base), []
    if not frame.empty:
        legend = (
            f'{describe_conditions(measured.values())}; multiply and add count as two FLOPs. In '
            f'brackets: multiple of {reference}.'
        )
        parts = [frame_table(frame), legend, round_table(measured, base)]
    parts.append(failures(speeds))
    text = '\n\n'.join(part for part in parts if part)
    return f'## {title}\n\n{text}' if text else ''


def describe_conditions(speeds: Iterable[Mapping[str, Any]]) -> str:
    """How the medians were taken, such as ``Medians (warm up 3, repeats 4 to 7, ...)``."""
    known = pd.DataFrame([speed['conditions'] for speed in speeds])
    ranges = [
        f'{key.replace("_", " ")} {low:.0f}' + (f' to {high:.0f}' if high > low else '')
        for key, low, high in zip(known, known.min(), known.max(), strict=True)
    ]
    text = f'Medians ({", ".join(ranges)})'
    if 'training_repeats' not in known:
        return text
    return f'{text}; training at the batch size of the config, without loading data'


def round_table(speeds: Mapping[str, Mapping[str, Any]], base: Mapping[str, Any]) -> str:
    """Cost of stopping after each round, compared with the whole reference; empty without any."""
    rows: dict[str, pd.Series] = {}
    for name, speed in speeds.items():
        rounds = compare(dict(enumerate(speed.get('rounds', []))), ROUND_COLUMNS, base)
        rows.update({f'{name}, {quantity}': rounds[quantity] for quantity in rounds})
    if not rows:
        return ''
    frame = pd.DataFrame(rows).T
    frame.columns = [f'{index} round{"" if index == 1 else "s"}' for index in frame]
    return frame_table(frame)


def failures(speeds: Mapping[str, Mapping[str, Any]]) -> str:
    """One line for each that could not be measured."""
    lines = [
        f'- **{name}** failed: {one["error"]}' for name, one in speeds.items() if 'error' in one
    ]
    return '\n'.join(lines)


def training_section(entries: Sequence[EntryResult]) -> str:
    """What the trainings spent and started from; empty if the benchmark did not train."""
    trained = [entry for entry in entries if any(run.training for run in entry.runs)]
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
