"""Which samples of a benchmark are shown: by rule, so that nobody picks the nice ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fbinpaint_mm.benchmark.report.formats import format_score
from fbinpaint_mm.benchmark.report.score_table import all_series, directions_of, metrics_of
from fbinpaint_mm.benchmark.results import Benchmark, EntryResult
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins


class ChosenSample(NamedTuple):
    """One sample to show.

    Attributes:
        name: Name of the sample in ``BenchmarkData.samples``.
        hole_area: Share of the image that is hole.
        reason: Why it was chosen, for the heading of its row.
    """

    name: str
    hole_area: float
    reason: str


def choose_samples(
    benchmark: Benchmark,
    bins: HoleAreaBins,
    metric: str | None = None,
    per_bin: int = 1,
    worst: int = 3,
    method: str | None = None,
) -> list[ChosenSample]:
    """Typical samples of every hole-area bin, then the worst losses of a method.

    Typical is the sample whose score by the reference is the median of its bin (with ``per_bin``
    of 2 the lower and the upper third, and so on; between two, the one with less quality). Worst
    are those where the method under test loses most against the reference, largest loss first;
    where it loses nowhere there are none. Scores are means over seeds; of equal samples the first
    counts. No sample is chosen twice.

    Args:
        benchmark: What was measured.
        bins: Hole-area bins.
        metric: By default LPIPS if it was measured, else PSNR, else the first metric of images.
        per_bin: Number of typical samples of each bin.
        worst: Largest number of worst samples.
        method: Entry under test; by default the first with feedback rounds that is not the
            reference, else the last that is not the reference.

    Returns:
        The samples; none if no entry has scores of images by the metric.
    """
    metric = metric or default_metric(benchmark)
    chosen: list[ChosenSample] = []
    scored = [entry for entry in benchmark.entries if metric and all_series(entry, metric)]
    if not scored:
        return chosen
    reference = next((one for one in scored if one.name == benchmark.reference), scored[0])
    sign = 1.0 if directions_of(benchmark, [metric])[metric] else -1.0
    base = sign * image_scores(reference, metric)
    label = f'of {reference.name} by {metric}'
    chosen += typical_samples(benchmark, bins, base, per_bin, label)
    tested = find_method(scored, reference, method)
    if tested is not None:
        loss = base - sign * image_scores(tested, metric)
        chosen += worst_samples(benchmark, loss, worst, metric, (tested.name, reference.name))
    unique = {one.name: one for one in reversed(chosen)}
    return [one for one in chosen if unique[one.name] is one]


def default_metric(benchmark: Benchmark) -> str | None:
    """LPIPS if it was measured, else PSNR, else the first metric with scores of images."""
    runs = [run for entry in benchmark.entries for run in entry.runs]
    known = {series.metric for run in runs for series in run.series}
    order = ['LPIPS', 'PSNR', *metrics_of(benchmark)]
    return next((metric for metric in order if metric in known), None)


def image_scores(entry: EntryResult, metric: str) -> np.ndarray:
    """(M,) score of every image, mean over seeds; nan where a seed has none."""
    return np.mean([series.values for series in all_series(entry, metric)], axis=0)


def find_method(
    scored: list[EntryResult], reference: EntryResult, name: str | None
) -> EntryResult | None:
    """The entry under test among those with scores; ``None`` if only the reference has any."""
    others = [entry for entry in scored if entry is not reference]
    if name is not None:
        others = [entry for entry in others if entry.name == name]
    with_rounds = [
        entry
        for entry in others
        if any(series.round is not None for run in entry.runs for series in run.series)
    ]
    return next(iter([*with_rounds, *others[-1:]]), None)


def typical_samples(
    benchmark: Benchmark, bins: HoleAreaBins, quality: np.ndarray, per_bin: int, label: str
) -> list[ChosenSample]:
    """Samples at evenly spaced ranks of each bin.

    Args:
        benchmark: What was measured.
        bins: Hole-area bins.
        quality: (M,) scores of the reference, higher is better; nan where there is none.
        per_bin: Number of samples of each bin.
        label: Whose scores, by which metric.

    Returns:
        By bin, then by rank.
    """
    found = bins.assign(benchmark.data.hole_areas)
    chosen = []
    for index, bin_name in enumerate(bins.names):
        members = np.flatnonzero((found == index) & np.isfinite(quality))
        ranked = members[np.argsort(quality[members], kind='stable')]
        for rank in evenly_spaced(len(ranked), per_bin):
            what = 'median' if per_bin == 1 else f'rank {rank + 1} of {len(ranked)}'
            reason = f'{what} {label} among holes of {bin_name} %'
            chosen.append(make_choice(benchmark, ranked[rank], reason))
    return chosen


def evenly_spaced(count: int, wanted: int) -> list[int]:
    """Up to ``wanted`` of ``count`` ranks: the middle one, or those that split them evenly."""
    ranks = [(number + 1) * (count - 1) // (wanted + 1) for number in range(wanted)]
    return sorted(set(ranks)) if count else []


def worst_samples(
    benchmark: Benchmark, loss: np.ndarray, count: int, metric: str, names: tuple[str, str]
) -> list[ChosenSample]:
    """The samples with the largest losses above zero, largest first.

    Args:
        benchmark: What was measured.
        loss: (M,) by how much the method is worse than the reference; nan where unknown.
        count: Largest number of samples.
        metric: By which metric.
        names: The method and the reference.
    """
    losses = np.flatnonzero(loss > 0)
    ranked = losses[np.argsort(-loss[losses], kind='stable')][:count]
    method, reference = names
    return [
        make_choice(
            benchmark,
            index,
            f'worst {rank}: {method} is {format_score(metric, loss[index])} {metric} '
            f'worse than {reference}',
        )
        for rank, index in enumerate(ranked, start=1)
    ]


def make_choice(benchmark: Benchmark, index: int, reason: str) -> ChosenSample:
    """The sample of that index."""
    data = benchmark.data
    return ChosenSample(data.samples[index], data.hole_areas[index], reason)
