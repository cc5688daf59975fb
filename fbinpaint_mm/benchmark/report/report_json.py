"""``results.json``: everything a benchmark found, for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fbinpaint_mm.benchmark.report.score_table import FINAL, ScoreTable
from fbinpaint_mm.benchmark.report.statistics import CONFIDENCE, METHOD, RESAMPLES, SEED
from fbinpaint_mm.benchmark.results import Benchmark, EntryResult
from fbinpaint_mm.write_file import write_file

NOT_COMPARED = ('rounds', 'conditions')


def write_json(benchmark: Benchmark, table: ScoreTable, path: Path) -> Path:
    """Write everything but the scores of single images, in one step.

    The file has ``data``, ``reference``, ``protocol``, ``environment``, ``statistics``, ``bins``
    and, for each entry, ``scores[metric][round][bin]`` with round ``'round0'``, ... and
    ``'final'``. Numbers that are not finite become ``null``.

    Args:
        benchmark: What was measured.
        table: Its scores.
        path: File to write.

    Returns:
        The path.
    """
    content = {
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
    return write_file(path, json.dumps(plain(content), indent=1, allow_nan=False) + '\n')


def entry_to_dict(entry: EntryResult, reference: EntryResult, table: ScoreTable) -> dict[str, Any]:
    """Config, error, starting weights, runs, speed and scores of one entry."""
    run_keys = ('seed', 'checkpoint', 'training', 'environment')
    return {
        'config': entry.config,
        'error': entry.error,
        'starts': entry.starts,
        'runs': [{key: getattr(run, key) for key in run_keys} for run in entry.runs],
        'speed': entry.speed,
        'speed_ratios': speed_ratios(entry.speed, reference.speed),
        'scores': scores_to_dict(entry.name, table),
    }


def scores_to_dict(entry: str, table: ScoreTable) -> dict[str, dict[str, dict[str, Any]]]:
    """Metric -> round -> bin -> the score with its spread and its change."""
    scores: dict[str, dict[str, dict[str, Any]]] = {}
    rows: dict[Any, dict[Any, Any]] = table.select(entry=entry).to_dict(orient='index')
    for (metric, index, bin_name), row in rows.items():
        change = {
            'relative': row['change'],
            'low': row['change_low'],
            'high': row['change_high'],
            'confidence': CONFIDENCE,
        }
        rounds = scores.setdefault(metric, {})
        rounds.setdefault(index if index == FINAL else f'round{index}', {})[bin_name] = {
            **{key: row[key] for key in ('mean', 'std', 'count', 'seeds', 'seed_std', 'per_seed')},
            'interval': None if math.isnan(row['low']) else (row['low'], row['high']),
            'change': None if math.isnan(row['change']) else change,
        }
    return scores


def speed_ratios(speed: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Each measured number of an entry divided by the reference's.

    Args:
        speed: ``EntryResult.speed`` of an entry.
        reference: The same of the reference.

    Returns:
        The keys that both have, and ``rounds``: one dict per round, each compared with the whole
        reference, not with its round; ``conditions`` are left out. 2.0 is twice as much: twice as
        slow where it is a time.
    """
    ratios: dict[str, Any] = {
        key: value / reference[key]
        for key, value in speed.items()
        if key not in NOT_COMPARED and value is not None and reference.get(key)
    }
    if 'rounds' in speed:
        ratios['rounds'] = [speed_ratios(one, reference) for one in speed['rounds']]
    return ratios


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
