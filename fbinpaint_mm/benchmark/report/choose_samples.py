"""Which samples of a benchmark are shown: by rule, so that nobody picks the nice ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fbinpaint_mm.benchmark.report.formats import format_score
from fbinpaint_mm.benchmark.report.score_table import all_series, directions_of, metrics_of
from fbinpaint_mm.benchmark.results import Benchmark, EntryResult
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.user_error import UserError


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


def choose_samples(benchmark: Benchmark, bins: HoleAreaBins, worst: int = 3) -> list[ChosenSample]:
    """Typical samples of the reference, then those where the method loses most against it.

    The method is what ``find_method`` finds; of its losses only those above zero count, the largest
    first. No sample is chosen twice.

    Args:
        benchmark: What was measured.
        bins: Hole-area bins.
        worst: Largest number of samples with a loss.

    Returns:
        The samples; none if no entry has scores of images.
    """
    metric, scored = default_metric(benchmark), scored_entries(benchmark)
    if not scored:
        return []
    reference = find_reference(benchmark, scored)
    chosen = typical_samples(benchmark, bins, reference)
    tested = find_method(scored, reference)
    if tested is not None:
        base, found = (image_quality(benchmark, entry, metric) for entry in (reference, tested))
        chosen += worst_samples(
            benchmark, base - found, worst, metric, (tested.name, reference.name)
        )
    unique = {one.name: one for one in reversed(chosen)}
    return [one for one in chosen if unique[one.name] is one]


def choose_strip(benchmark: Benchmark, bins: HoleAreaBins) -> tuple[str, list[ChosenSample]]:
    """The method (or the only entry), and its typical samples.

    Returns:
        Its name and the samples, in the order of the bins.

    Raises:
        UserError: No entry has scores of images.
    """
    scored = scored_entries(benchmark)
    if not scored:
        raise UserError('no sample was chosen: no entry has scores of images')
    reference = find_reference(benchmark, scored)
    shown = find_method(scored, reference) or reference
    return shown.name, typical_samples(benchmark, bins, shown)


def scored_entries(benchmark: Benchmark) -> list[EntryResult]:
    """The entries whose images were scored by the default metric."""
    metric = default_metric(benchmark)
    return [entry for entry in benchmark.entries if all_series(entry, metric)]


def find_reference(benchmark: Benchmark, scored: list[EntryResult]) -> EntryResult:
    """The reference, or the first entry if that has no scores."""
    return next((one for one in scored if one.name == benchmark.reference), scored[0])


def default_metric(benchmark: Benchmark) -> str:
    """LPIPS if it was measured, else PSNR, else the first metric of images; empty for none."""
    runs = [run for entry in benchmark.entries for run in entry.runs]
    known = {series.metric for run in runs for series in run.series}
    order = ['LPIPS', 'PSNR', *metrics_of(benchmark)]
    return next((metric for metric in order if metric in known), '')


def image_quality(benchmark: Benchmark, entry: EntryResult, metric: str) -> np.ndarray:
    """(M,) mean score of every image over seeds, negative where lower is better; nan for none."""
    scores = np.mean([series.values for series in all_series(entry, metric)], axis=0)
    return scores if directions_of(benchmark, [metric])[metric] else -scores


def find_method(scored: list[EntryResult], reference: EntryResult) -> EntryResult | None:
    """The first entry with feedback rounds besides the reference, else the last besides it."""
    others = [entry for entry in scored if entry is not reference]
    with_rounds = [
        entry
        for entry in others
        if any(series.round is not None for run in entry.runs for series in run.series)
    ]
    return next(iter([*with_rounds, *others[-1:]]), None)


def typical_samples(
    benchmark: Benchmark, bins: HoleAreaBins, entry: EntryResult
) -> list[ChosenSample]:
    """In each bin the sample of which an entry has the median score.

    It is by LPIPS if that was measured, else by PSNR, else by the first metric of images. Between
    two samples it is the worse one, of equal samples the first.
    """
    metric = default_metric(benchmark)
    quality = image_quality(benchmark, entry, metric)
    found = bins.assign(benchmark.data.hole_areas)
    chosen = []
    for index, bin_name in enumerate(bins.names):
        members = np.flatnonzero((found == index) & np.isfinite(quality))
        ranked = members[np.argsort(quality[members], kind='stable')]
        reason = f'median of {entry.name} by {metric} among holes of {bin_name} %'
        middle = ranked[(len(ranked) - 1) // 2 :][:1]
        chosen += [make_choice(benchmark, sample, reason) for sample in middle]
    return chosen


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
