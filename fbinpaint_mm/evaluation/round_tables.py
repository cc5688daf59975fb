"""Scores as text: round by round, bin by bin of hole area, class by class of the correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from prettytable import PrettyTable

from fbinpaint_mm.evaluation.score_series import LOWER_IS_BETTER, ScoreName, higher_is_better

FINAL = 'final'
ALL = 'all classes'
DIGITS = 4  # decimals of a score
Column = int | str


def format_round_table(
    scores: Mapping[str, float], lower_is_better: Sequence[str] = LOWER_IS_BETTER
) -> str:
    """Rounds as columns, metrics as rows, a mark where a round differs from the one before.

    Args:
        scores: ``roundN/<metric>`` and ``<metric>`` (final), possibly after a prefix -> value.
            Spreads, counts and scores of bins are left out.
        lower_is_better: Beginnings of the names of metrics that should fall.

    Returns:
        The table as text of several lines; empty where there is no score.
    """
    rows = group_by_round(scores)
    if not rows:
        return ''
    columns = order_columns(rows)
    table = start_table('', columns)
    for name, row in rows.items():
        rises = higher_is_better(name, lower_is_better)
        table.add_row([name, *format_row([row.get(column) for column in columns], rises)])
    return table.get_string()


def format_bin_tables(
    scores: Mapping[str, float], lower_is_better: Sequence[str] = LOWER_IS_BETTER
) -> list[str]:
    """For each metric with scores of bins: bins as rows, rounds and count of images as columns.

    Args:
        scores: As for ``format_round_table``.
        lower_is_better: Beginnings of the names of metrics that should fall.

    Returns:
        One table per metric, as text of several lines; none if there are no bins.
    """
    metrics: dict[str, dict[str, dict[Column, float]]] = {}
    for text, value in scores.items():
        name = ScoreName.parse(text)
        if name.bin is not None and name.statistic is None:
            rows = metrics.setdefault(name.metric, {})
            rows.setdefault(name.bin, {})[column_of(name)] = value
    return [
        format_bin_table(name, rows, scores, higher_is_better(name, lower_is_better))
        for name, rows in metrics.items()
    ]


def format_bin_table(
    metric: str,
    rows: dict[str, dict[Column, float]],
    scores: Mapping[str, float],
    rises: bool,
) -> str:
    """The table of one metric.

    Args:
        metric: Its name.
        rows: Bin in percent -> column -> score.
        scores: Where the counts are.
        rises: Whether a larger score is better.

    Returns:
        The table as text of several lines.
    """
    drop_repeated_final(rows)
    columns = order_columns(rows)
    table = start_table(f'{metric}, hole %', columns, 'images')
    for name, row in rows.items():
        cells = format_row([row.get(column) for column in columns], rises)
        count = scores.get(str(ScoreName(metric, None, name, 'count')), float('nan'))
        table.add_row([name, *cells, f'{count:.0f}'])
    return table.get_string()


def group_by_round(scores: Mapping[str, float]) -> dict[str, dict[Column, float]]:
    """Metric (with its prefix) -> column -> value; the column is a round or ``'final'``.

    Scores over all images only. A final score that equals the last round's has no column of its
    own.
    """
    rows: dict[str, dict[Column, float]] = {}
    for text, value in scores.items():
        name = ScoreName.parse(text)
        if name.bin is None and name.statistic is None:
            rows.setdefault(name.metric, {})[column_of(name)] = value
    drop_repeated_final(rows)
    return rows


def column_of(name: ScoreName) -> Column:
    """The round that a score is in, or ``'final'``."""
    return FINAL if name.round is None else name.round


def drop_repeated_final(rows: dict[str, dict[Column, float]]) -> None:
    """Take the final score out of each row where it equals the last round's."""
    for row in rows.values():
        rounds = [column for column in row if column != FINAL]
        if rounds and row.get(FINAL) == row[max(rounds)]:
            del row[FINAL]


def order_columns(rows: Mapping[str, Mapping[Column, float]]) -> list[Column]:
    """The rounds of all rows in order, then ``'final'`` if a row has it."""
    columns = {column for row in rows.values() for column in row}
    return [*sorted(columns - {FINAL}), *({FINAL} & columns)]


def start_table(corner: str, columns: Sequence[Column], *more: str) -> PrettyTable:
    """A table with its header, the first column to the left, the others to the right."""
    titles = [FINAL if column == FINAL else f'round {column}' for column in columns]
    table = PrettyTable([corner, *titles, *more])
    table.align = 'r'
    table.align[corner] = 'l'
    return table


def format_row(values: Sequence[float | None], rises: bool) -> list[str]:
    """Each value with its mark, where what is shown differs from the nearest value to its left."""
    texts = []
    before = None
    for value in values:
        if value is None:
            texts.append('-  ')
            continue
        shown = round(value, DIGITS)
        change = 0.0 if before is None else shown - before
        mark = ' '
        if abs(change) > 0:  # not of nan
            mark = '▲' if (change > 0) == rises else '▼'
        texts.append(f'{value:.{DIGITS}f} {mark}')
        before = shown
    return texts


def format_correction_table(counts: np.ndarray, classes: Sequence[str]) -> str:
    """Classes as rows; for every round what was wrong before and after, and both rates.

    Args:
        counts: (R, 2, 2, K), ``CorrectionRate.class_counts``.
        classes: Name of each of the K classes.

    Returns:
        The table as text of several lines, all numbers but the pixels in percent; classes without
        a pixel are left out, the last line is for all classes together.
    """
    titles = ['wrong before → after', 'corrected', 'spoiled']
    rounds = range(1, len(counts) + 1)
    header = [f'round {number}: {title}' for number in rounds for title in titles]
    table = PrettyTable(['class', 'pixels', *header])
    table.align = 'r'
    table.align['class'] = 'l'
    total = counts.sum(axis=-1)
    rows = [(name, counts[..., index]) for index, name in enumerate(classes)]
    for name, row in [*rows, (ALL, total)]:
        pixels = int(row[0, :, 1].sum())
        if pixels or name == ALL:
            cells = [cell for one in row for cell in format_round(one, pixels)]
            table.add_row([name, pixels, *cells])
    return table.get_string()


def format_round(counts: np.ndarray, pixels: int) -> list[str]:
    """The three cells of a class in one round, from its (2, 2) counts."""
    (corrected, wrong), (spoiled, right) = counts
    after = wrong - corrected + spoiled
    change = f'{percent(wrong, pixels)} → {percent(after, pixels)}'
    return [change, percent(corrected, wrong), percent(spoiled, right)]


def percent(part: float, whole: float) -> str:
    """A share with one decimal; a dash where there is nothing to have a share of."""
    return f'{100 * part / whole:.1f}' if whole else '-'
