"""``results.csv``: one score per row, for data frames."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.write_file import write_file

COLUMNS = ('entry', 'seed', 'round', 'metric', 'bin', 'mean', 'std', 'count')


def write_csv(table: ScoreTable, path: Path) -> Path:
    """Write one row for each entry, seed, round, metric and bin, in one step.

    ``round`` is a number, or ``final``. ``seed`` is empty where the benchmark did not train,
    ``mean`` and ``std`` where there is no score. Numbers have all their digits.

    Args:
        table: The scores.
        path: File to write.

    Returns:
        The path.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator='\n')
    writer.writerow(COLUMNS)
    for one in table.summaries:
        round_name = 'final' if one.round is None else one.round
        for part in one.seeds:
            numbers = [number(part.mean), number(part.std), part.count]
            writer.writerow([one.entry, part.seed, round_name, one.metric, one.bin, *numbers])
    return write_file(path, buffer.getvalue())


def number(value: float) -> float | None:
    """The value, ``None`` (an empty field) if it is not finite."""
    return value if math.isfinite(value) else None
