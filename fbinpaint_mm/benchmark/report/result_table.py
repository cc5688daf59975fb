"""The main table of a benchmark, from which it is written in Markdown and in LaTeX."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fbinpaint_mm.benchmark.report.formats import best_text, format_change, format_score
from fbinpaint_mm.benchmark.report.score_table import ALL, FINAL, ScoreTable
from fbinpaint_mm.benchmark.report.speed_markdown import COLUMNS, compare
from fbinpaint_mm.benchmark.results import EntryResult
from fbinpaint_mm.user_error import UserError

TRAINING = ('seeds', 'iterations', 'images', 'labeled')
# Columns that are no scores.
FACTS = (*TRAINING, *(column.title for column in COLUMNS))


@dataclass(frozen=True)
class Cell:
    """What a table says in one place.

    Attributes:
        text: A number as printed, or ``'-'``.
        is_best: Whether no other number as printed is better.
        spread: Standard deviation over seeds as printed; empty with one seed.
        change: Against the reference, with its interval, as printed; empty without one.
    """

    text: str
    is_best: bool = False
    spread: str = ''
    change: str = ''


def check_columns(columns: Sequence[str] | None, protocols: Iterable[Mapping[str, Any]]) -> None:
    """Makes sure that the columns of a report exist, before anything is measured.

    Args:
        columns: Names of ``FACTS`` or metrics; ``None`` for the usual ones.
        protocols: What is known of each metric, from ``protocol_of``. A metric of which nothing is
            known may give scores of any name.

    Raises:
        UserError: There is no such column.
    """
    protocols = list(protocols)
    known = [*FACTS, *(name for protocol in protocols for name in protocol)]
    unknown = [name for name in columns or () if name not in known]
    if unknown and all(protocols):
        raise UserError(f'--columns {unknown[0]!r} is not a column; there are {", ".join(known)}')


def result_table(table: ScoreTable, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Entries by final scores of the whole set, and by what they were made with.

    Args:
        table: The scores of a benchmark.
        columns: Names of ``FACTS`` or metrics, in order; by default those of ``TRAINING`` that are
            known of any entry, and all metrics.

    Returns:
        ``Cell`` objects, nan where there is nothing to say; indexed by name of the entry, those
        without any score left out.
    """
    facts = describe_entries([table.benchmark.entry(name) for name in table.entries])
    if columns is None:
        known = facts[list(TRAINING)].dropna(axis='columns', how='all')
        columns = [*known, *table.metrics]
    cells = {}
    for name in columns:
        if name in FACTS:
            cells[name] = facts[name].map(Cell, na_action='ignore')
        else:
            scores = table.select(metric=name, round=FINAL, bin=ALL)
            cells[table.headline(name)] = score_cells(table, name, scores)
    return pd.DataFrame(cells, index=table.entries, dtype=object)


def score_cells(table: ScoreTable, metric: str, scores: pd.DataFrame) -> pd.Series:
    """Scores of one metric as ``Cell`` objects, under the index that they have.

    Args:
        table: The scores of a benchmark.
        metric: Name of the metric.
        scores: Rows of ``table.scores``, compared with each other for the best.
    """
    texts = [format_score(metric, value) for value in scores['mean']]
    best = best_text(texts, table.higher_is_better(metric))
    spreads = [
        format_score(metric, std) if math.isfinite(std) else '' for std in scores['seed_std']
    ]
    changes = map(format_change, scores['change'], scores['change_low'], scores['change_high'])
    cells = [
        Cell(text, text == best, spread, change)
        for text, spread, change in zip(texts, spreads, changes, strict=True)
    ]
    return pd.Series(cells, list(scores.index), dtype=object)


def describe_entries(entries: Sequence[EntryResult]) -> pd.DataFrame:
    """``FACTS`` of each entry as text, nan for what is not known."""
    names = [entry.name for entry in entries]
    training = pd.DataFrame([training_facts(entry) for entry in entries], index=names)
    speed = compare({entry.name: entry.speed for entry in entries}, COLUMNS, {})
    return training.join(speed).reindex(columns=list(FACTS))


def training_facts(entry: EntryResult) -> dict[str, str]:
    """Those of ``TRAINING`` that are known: the labeled images with their share of all."""
    facts = {key: str(value) for key, value in entry.trained.items()}
    seeds = sum(run.checkpoint is not None for run in entry.runs)
    if seeds:
        facts['seeds'] = str(seeds)
    if 'labeled' in entry.trained:
        share = 100 * entry.trained['labeled'] / entry.trained['images']
        facts['labeled'] += f' ({share:.3g} %)'
    return facts
