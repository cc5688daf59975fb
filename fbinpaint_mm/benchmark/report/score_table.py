"""All scores of a benchmark in two pandas frames, for every file, table and plot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from fbinpaint_mm.benchmark.report.statistics import (
    UNKNOWN,
    Change,
    change_of_seeds,
    check_paired,
    log_ratio,
    relative_change,
    score_interval,
)
from fbinpaint_mm.benchmark.results import Benchmark, RunResult
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.evaluation.score_series import (
    ScoreName,
    describe,
    groups_by_area,
    higher_is_better,
)

ALL = 'all'
FINAL = 'final'
COLUMNS = ['entry', 'seed', 'round', 'metric', 'bin', 'mean', 'std', 'count']
KEYS = ['entry', 'metric', 'round', 'bin']
CHANGES = ['change', 'change_low', 'change_high', 'change_t_low', 'change_t_high']
COMPARED = ['low', 'high', *CHANGES]


class ScoreTable:
    """Score of every entry by every metric, in every round and the end, over every bin.

    Args:
        benchmark: What was measured.
        hole_bins: Bins of hole area; an image outside every bin counts only in ``'all'``.

    Attributes:
        benchmark: What was measured.
        hole_bins: Bins of hole area.
        bins: ``'all'``, then the names of the bins.
        metrics: Names of the metrics that any entry has, those of the protocol first.
        seeds: One row per seed, from ``score_seeds``.
        scores: One row per entry, metric, round and bin, from ``score_entries``.
        entries: Names of the entries that have any score, in the order of the benchmark.

    Raises:
        UserError: Entries or seeds were scored on different images.
    """

    def __init__(self, benchmark: Benchmark, hole_bins: HoleAreaBins | None = None) -> None:
        self.benchmark = benchmark
        self.hole_bins = hole_bins or HoleAreaBins()
        self.bins = (ALL, *self.hole_bins.names)
        self.metrics = metrics_of(benchmark)
        self.seeds = score_seeds(benchmark, self.hole_bins)
        self.scores = score_entries(benchmark, self.hole_bins, self.seeds)
        self.entries = list(self.seeds['entry'].unique())
        self._rows = dict(zip(self.scores.index, self.scores.itertuples(index=False), strict=True))

    def select(self, **keys: str) -> pd.DataFrame:
        """The rows of ``scores`` with these values of some of ``KEYS``, indexed by the others."""
        index = self.scores.index
        chosen = [index.get_level_values(key) == value for key, value in keys.items()]
        return self.scores[np.logical_and.reduce(chosen)].droplevel(list(keys))

    def find(
        self, entry: str, metric: str, bin_name: str = ALL, round_index: int | None = None
    ) -> Any:
        """One row of ``scores`` as a named tuple, ``None`` if there is none.

        Args:
            entry: Name of the entry.
            metric: Name of the metric.
            bin_name: Name of the bin.
            round_index: 0, 1, ...; ``None`` for the final result.
        """
        return self._rows.get((entry, metric, round_name(round_index), bin_name))

    def higher_is_better(self, metric: str) -> bool:
        """Whether a larger score is a better one: by its protocol, else by its name."""
        facts = self.benchmark.protocol.get(metric, {})
        return facts.get('higher_is_better', higher_is_better(metric))

    def headline(self, metric: str) -> str:
        """Name of a metric with the direction that is better: ``PSNR ↑``."""
        return f'{metric} {"↑" if self.higher_is_better(metric) else "↓"}'

    def image_metrics(self, *first: str) -> list[str]:
        """Names of the metrics that single images have scores by (FID has only one for a set).

        Args:
            *first: Those that come before the others, as far as they were measured.
        """
        rows = self.seeds[self.seeds['bin'] != ALL]
        order = dict.fromkeys([*first, *self.metrics])
        return [metric for metric in order if (rows['metric'] == metric).any()]

    def image_scores(self, metric: str) -> pd.DataFrame:
        """Final score of every image, mean over seeds: samples x entries that have any."""
        means = {
            entry.name: np.mean([one.values for one in entry.series(metric)], axis=0)
            for entry in self.benchmark.entries
            if entry.series(metric)
        }
        return pd.DataFrame(means, index=self.benchmark.data.samples)


def score_seeds(benchmark: Benchmark, bins: HoleAreaBins) -> pd.DataFrame:
    """The score of every model, one row per entry, metric, round, bin and seed, in this order.

    Returns:
        ``COLUMNS``: ``seed`` is missing where the benchmark did not train, ``round`` a number or
        ``'final'``, ``mean`` the score of the set (nan if no image has one), ``std`` over images
        (nan for a metric that only the whole set has), ``count`` of images with a score.
    """
    rows = [
        (entry.name, run.seed, *row)
        for entry in benchmark.entries
        for run in entry.runs
        for row in score_run(run, bins, len(benchmark.data.samples))
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame['mean'] = frame['mean'].replace([np.inf, -np.inf], np.nan)
    orders = {
        'entry': [entry.name for entry in benchmark.entries],
        'metric': metrics_of(benchmark),
        'round': [*sorted({*frame['round']} - {FINAL}), FINAL],
        'bin': [ALL, *bins.names],
    }
    types = {key: pd.CategoricalDtype(order, ordered=True) for key, order in orders.items()}
    return frame.astype({**types, 'seed': 'Int64'}).sort_values(KEYS, ignore_index=True)


def score_run(run: RunResult, bins: HoleAreaBins, images: int) -> Iterator[tuple[Any, ...]]:
    """Scores of one model: ``COLUMNS`` from ``round`` on."""
    for series in run.series:
        for name, group in groups_by_area(series, bins):
            found = describe(group)
            scores = (found[None], found['std'], found['count'])
            yield round_name(series.round), series.metric, name or ALL, *scores
    for text, score in run.set_scores.items():
        parsed = ScoreName.parse(text)
        yield round_name(parsed.round), parsed.metric, ALL, score, np.nan, images


def score_entries(benchmark: Benchmark, bins: HoleAreaBins, seeds: pd.DataFrame) -> pd.DataFrame:
    """The score of every entry over its seeds, compared with the reference.

    Args:
        benchmark: What was measured.
        bins: Hole-area bins.
        seeds: From ``score_seeds``.

    Returns:
        One row for each of ``KEYS``, by which it is indexed: ``mean`` over seeds, and ``seed_std``,
        nan with one seed, both nan if a seed has no score; ``seeds`` that have one; ``per_seed``, a
        list of scores; ``std`` over images, mean over seeds; ``count``, of the seed with fewest
        images; ``low`` and ``high``, the bootstrap interval of ``mean``; and ``CHANGES`` against
        the reference's final result in the same bin, as ``Change`` describes them. What is unknown
        is nan.
    """
    scores = seeds.groupby(KEYS, observed=True).agg(
        mean=('mean', lambda seeds: seeds.mean(skipna=False)),
        seed_std=('mean', lambda seeds: seeds.std(skipna=False)),
        seeds=('mean', 'count'),
        per_seed=('mean', list),
        std=('std', 'mean'),
        count=('count', 'min'),
    )
    compared = {**compare_means(scores, benchmark.reference), **compare_images(benchmark, bins)}
    rows = [compared[key] for key in scores.index]
    return scores.join(pd.DataFrame(rows, index=scores.index, columns=COMPARED))


def compare_means(scores: pd.DataFrame, reference: str) -> dict[tuple, tuple[float, ...]]:
    """``KEYS`` -> ``COMPARED``, without bootstrap, for metrics that only the set has."""
    seeds: dict[tuple, list[float]] = dict(zip(scores.index, scores['per_seed'], strict=True))
    rows: dict[tuple, tuple[float, ...]] = {}
    for (entry, metric, index, bin_name), ours in seeds.items():
        theirs = seeds.get((reference, metric, FINAL, bin_name))
        if theirs is None or (entry, index) == (reference, FINAL):
            change = Change()
        else:
            sides = (np.array(side)[:, None] for side in (ours, theirs))
            change = change_of_seeds(log_ratio(*sides)[:, 0])
        rows[entry, metric, index, bin_name] = (*UNKNOWN, *change)
    return rows


def compare_images(benchmark: Benchmark, bins: HoleAreaBins) -> dict[tuple, tuple[float, ...]]:
    """``KEYS`` -> ``COMPARED`` of each score that is made of images.

    Raises:
        UserError: Entries or seeds were scored on different images.
    """
    rows: dict[tuple, tuple[float, ...]] = {}
    reference = benchmark.entry(benchmark.reference)
    images = dict(zip(benchmark.data.samples, benchmark.data.images, strict=False))
    for entry in benchmark.entries:
        for metric, index in {(one.metric, one.round) for run in entry.runs for one in run.series}:
            ours, theirs = entry.series(metric, index), reference.series(metric)
            if entry is reference and index is None:
                theirs = []
            check_paired([*ours, *theirs])
            groups = [groups_by_area(one, bins) for one in [*ours, *theirs]]
            for named in zip(*groups, strict=True):
                inside = [series for _, series in named]
                key = (entry.name, metric, round_name(index), named[0][0] or ALL)
                mine, others = inside[: len(ours)], inside[len(ours) :]
                intervals = score_interval(mine, images)
                rows[key] = (*intervals, *relative_change(mine, others, images))
    return rows


def round_name(index: int | None) -> int | str:
    """The number of a round, ``'final'`` for none."""
    return FINAL if index is None else index


def metrics_of(benchmark: Benchmark) -> list[str]:
    """Names of the metrics that any entry has, those of the protocol first, in its order."""
    runs = [run for entry in benchmark.entries for run in entry.runs]
    known = dict.fromkeys(name.metric for run in runs for name in run.names())
    return list(dict.fromkeys([*(one for one in benchmark.protocol if one in known), *known]))
