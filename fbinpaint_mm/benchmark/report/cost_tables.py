"""Tables of what training costs, switch by switch and round by round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fbinpaint_mm.benchmark.report.formats import (
    MISSING,
    format_bytes,
    format_ratio,
    format_seconds,
)
from fbinpaint_mm.benchmark.report.markdown_table import markdown_table

# Switch -> number of rounds -> measured numbers, or an ``error``.
Costs = Mapping[str, Mapping[int, Mapping[str, Any]]]


def cost_tables(costs: Costs, reference: tuple[str, int]) -> str:
    """One table for memory and one for time: a row for each switch, a column for each R.

    Args:
        costs: Numbers of ``measure_training_cost`` by switch and number of rounds.
        reference: Switch and number of rounds that all others are given as multiples of.

    Returns:
        Markdown.
    """
    quantities = (('Peak memory', 'peak_memory', format_bytes), ('Time', 'seconds', format_seconds))
    tables = [
        f'**{title} of a training iteration**, × `{reference[0]}` with R = {reference[1]}\n\n'
        + _table(costs, reference, key, form)
        for title, key, form in quantities
    ]
    return '\n\n'.join([*tables, *_failures(costs)])


def _table(costs: Costs, reference: tuple[str, int], key: str, form: Callable[..., str]) -> str:
    switch, rounds = reference
    base = costs.get(switch, {}).get(rounds, {}).get(key)
    columns = sorted({number for row in costs.values() for number in row})
    rows = [
        [f'`{name}`', *(_cell(row.get(number, {}).get(key), base, form) for number in columns)]
        for name, row in costs.items()
    ]
    return markdown_table(['switch', *(f'R = {number}' for number in columns)], rows)


def _cell(value: float | None, base: float | None, form: Callable[..., str]) -> str:
    if value is None:
        return MISSING
    return f'{form(value)} {format_ratio(value / base if base else None)}'.rstrip()


def _failures(costs: Costs) -> list[str]:
    return [
        f'- `{name}` with R = {number} failed: {cost["error"]}'
        for name, row in costs.items()
        for number, cost in row.items()
        if 'error' in cost
    ]
