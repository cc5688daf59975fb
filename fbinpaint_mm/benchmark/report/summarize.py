"""From the scores of single images to one summary per entry, metric, round and hole-area bin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fbinpaint_mm.benchmark.report.score_summary import ScoreSummary, SeedScore
from fbinpaint_mm.benchmark.report.statistics import (
    RelativeChange,
    check_paired,
    relative_change,
    score_interval,
    spread_over_seeds,
)
from fbinpaint_mm.benchmark.results import Benchmark, EntryResult
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.evaluation.score_series import ScoreName, ScoreSeries, describe

ALL = 'all'


def summarize(
    benchmark: Benchmark, metrics: Sequence[str], bins: HoleAreaBins
) -> Iterator[ScoreSummary]:
    """Summaries of all entries, metrics, rounds (the final result last) and bins.

    Args:
        benchmark: What was measured.
        metrics: Names of metrics, in the order wanted.
        bins: Hole-area bins.

    Yields:
        A summary for each combination that has been measured.

    Raises:
        ValueError: Entries or seeds were scored on different images.
    """
    reference = benchmark.entry(benchmark.reference)
    for entry in benchmark.entries:
        for metric in metrics:
            for round_index in scored_rounds(entry, metric):
                yield from summarize_images(entry, metric, round_index, reference, bins)
                yield from summarize_set(entry, metric, round_index, reference, benchmark)


def scored_rounds(entry: EntryResult, metric: str) -> list[int | None]:
    """Rounds an entry has scores of by a metric, ``None`` (the final result) last."""
    rounds = set()
    for run in entry.runs:
        rounds |= {series.round for series in run.series if series.metric == metric}
        names = map(ScoreName.parse, run.set_scores)
        rounds |= {name.round for name in names if name.metric == metric}
    return sorted(rounds, key=lambda one: (one is None, one))


def summarize_images(
    entry: EntryResult,
    metric: str,
    round_index: int | None,
    reference: EntryResult,
    bins: HoleAreaBins,
) -> Iterator[ScoreSummary]:
    """Summary of the whole set and of each bin, made of the scores of images.

    Raises:
        ValueError: Entries or seeds were scored on different images.
    """
    seeds = [run.seed for run in entry.runs if run.find(metric, round_index)]
    series = all_series(entry, metric, round_index)
    base = [] if entry is reference and round_index is None else all_series(reference, metric)
    if not series:
        return
    for other in [*series, *base]:
        check_paired(series[0], other)
    for name, inside in bin_members(series[0], bins).items():
        chosen = [one.select(inside) for one in series]
        parts = [score_seed(seed, one) for seed, one in zip(seeds, chosen, strict=True)]
        interval = score_interval(chosen)
        change = relative_change(chosen, [one.select(inside) for one in base]) if base else None
        yield make_summary(entry.name, metric, round_index, name, parts, interval, change)


def bin_members(series: ScoreSeries, bins: HoleAreaBins) -> dict[str, np.ndarray]:
    """Name of each bin, ``'all'`` first -> (M,) bool, which images are in it."""
    found = bins.assign(series.hole_areas)
    members = {name: found == index for index, name in enumerate(bins.names)}
    return {ALL: np.ones(len(series), bool), **members}


def score_seed(seed: int | None, series: ScoreSeries) -> SeedScore:
    """Score, spread over images and number of images of one seed."""
    found = describe(series)
    return SeedScore(seed, found[None], found['std'], found['count'])


def summarize_set(
    entry: EntryResult,
    metric: str,
    round_index: int | None,
    reference: EntryResult,
    benchmark: Benchmark,
) -> Iterator[ScoreSummary]:
    """Summary of a metric that has a score for the whole set only, such as FID."""
    count = len(benchmark.data.samples)
    parts = [
        SeedScore(seed, score, float('nan'), count)
        for seed, score in set_scores(entry, metric, round_index)
    ]
    if not parts:
        return
    base = spread_over_seeds([score for _, score in set_scores(reference, metric, None)]).mean
    ours = spread_over_seeds([part.mean for part in parts]).mean
    known = np.isfinite([ours, base]).all() and base != 0
    itself = entry is reference and round_index is None
    change = RelativeChange((ours - base) / abs(base)) if known and not itself else None
    yield make_summary(entry.name, metric, round_index, ALL, parts, None, change)


def all_series(
    entry: EntryResult, metric: str, round_index: int | None = None
) -> list[ScoreSeries]:
    """Series of a metric and round, one per seed that has it."""
    found = [run.find(metric, round_index) for run in entry.runs]
    return [series for series in found if series is not None]


def set_scores(
    entry: EntryResult, metric: str, round_index: int | None
) -> list[tuple[int | None, float]]:
    """(seed, score) of a metric that has scores of the whole set only."""
    name = str(ScoreName(metric, round_index))
    return [(run.seed, run.set_scores[name]) for run in entry.runs if name in run.set_scores]


def make_summary(
    entry: str,
    metric: str,
    round_index: int | None,
    bin_name: str,
    parts: Sequence[SeedScore],
    interval: tuple[float, float] | None,
    change: RelativeChange | None,
) -> ScoreSummary:
    """The summary of the scores of all seeds."""
    return ScoreSummary(
        entry=entry,
        metric=metric,
        round=round_index,
        bin=bin_name,
        seeds=tuple(parts),
        spread=spread_over_seeds([part.mean for part in parts]),
        std=spread_over_seeds([part.std for part in parts]).mean,
        count=min(part.count for part in parts),
        interval=interval,
        change=change,
    )
