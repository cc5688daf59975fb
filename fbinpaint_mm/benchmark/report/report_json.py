"""``results.json``: everything a benchmark found, for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fbinpaint_mm.benchmark.report.score_summary import ScoreSummary
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.benchmark.report.speed_ratios import speed_ratios
from fbinpaint_mm.benchmark.report.statistics import CONFIDENCE, METHOD, RESAMPLES, SEED
from fbinpaint_mm.benchmark.results import Benchmark, EntryResult
from fbinpaint_mm.write_file import write_file

FINAL = 'final'


def write_json(benchmark: Benchmark, table: ScoreTable, path: Path) -> Path:
    """Write the file in one step; numbers that are not finite become ``null``.

    Args:
        benchmark: What was measured.
        table: Its scores.
        path: File to write.

    Returns:
        The path.
    """
    text = json.dumps(plain(to_dict(benchmark, table)), indent=1, allow_nan=False)
    return write_file(path, text + '\n')


def to_dict(benchmark: Benchmark, table: ScoreTable) -> dict[str, Any]:
    """Everything but the scores of single images.

    Returns:
        ``data``, ``reference``, ``protocol``, ``environment``, ``statistics``, ``bins`` and, for
        each entry, ``scores[metric][round][bin]`` with round ``'round0'``, ... and ``'final'``.
    """
    return {
        'data': benchmark.data.to_dict(),
        'reference': benchmark.reference,
        'protocol': benchmark.protocol,
        'environment': benchmark.environment,
        'statistics': {
            'intervals': METHOD,
            'confidence': CONFIDENCE,
            'resamples': RESAMPLES,
            'seed': SEED,
        },
        'bins': table.bins,
        'entries': {
            entry.name: entry_to_dict(entry, benchmark.entry(benchmark.reference), table)
            for entry in benchmark.entries
        },
    }


def entry_to_dict(entry: EntryResult, reference: EntryResult, table: ScoreTable) -> dict[str, Any]:
    """Config, error, starting weights, runs, speed and scores of one entry."""
    scores: dict[str, dict[str, dict[str, Any]]] = {}
    for one in table.summaries:
        if one.entry == entry.name:
            name = FINAL if one.round is None else f'round{one.round}'
            bins = scores.setdefault(one.metric, {}).setdefault(name, {})
            bins[one.bin] = summary_to_dict(one)
    runs = [
        {key: getattr(run, key) for key in ('seed', 'checkpoint', 'training', 'environment')}
        for run in entry.runs
    ]
    return {
        'config': entry.config,
        'error': entry.error,
        'starts': entry.starts,
        'runs': runs,
        'speed': entry.speed,
        'speed_ratios': speed_ratios(entry.speed, reference.speed),
        'scores': scores,
    }


def summary_to_dict(summary: ScoreSummary) -> dict[str, Any]:
    """One score with its spread and its change; entry, metric, round and bin are left out."""
    change = summary.change
    return {
        'mean': summary.spread.mean,
        'interval': summary.interval,
        'std': summary.std,
        'count': summary.count,
        'seeds': summary.spread.seeds,
        'seed_std': summary.spread.std,
        'per_seed': [part.mean for part in summary.seeds],
        'change': None if change is None else vars(change),
    }


def plain(value: Any) -> Any:
    """The value in types that JSON has, with ``None`` for what is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
