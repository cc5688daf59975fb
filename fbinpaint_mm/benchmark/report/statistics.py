"""How sure a difference between two models is: bootstrap over images, spread over seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fbinpaint_mm.evaluation.score_series import ScoreSeries

RESAMPLES = 2000
CONFIDENCE = 0.95
SEED = 0

METHOD = (
    'percentile bootstrap over images; the same resampled images for the entry, the reference and '
    'all their seeds; seeds are averaged, not resampled'
)


@dataclass(frozen=True)
class RelativeChange:
    """By how much an entry's score differs from the reference's, as a share of the reference's.

    Attributes:
        relative: (entry - reference) / |reference|; 0.01 is one percent more.
        low: Lower end of the interval; ``None`` with fewer than two images.
        high: Upper end.
        confidence: Probability with which the interval is meant to hold the true change.
    """

    relative: float
    low: float | None = None
    high: float | None = None
    confidence: float = CONFIDENCE


@dataclass(frozen=True)
class SeedSpread:
    """Score of a set of images over the seeds of an entry.

    Attributes:
        mean: Mean over seeds; nan if no seed has a score.
        std: Sample standard deviation over seeds; ``None`` with fewer than two.
        seeds: Number of seeds with a score.
    """

    mean: float
    std: float | None
    seeds: int


def spread_over_seeds(scores: Sequence[float]) -> SeedSpread:
    """Mean and spread of the scores of a set, one per seed; nan is left out."""
    known = np.array([score for score in scores if np.isfinite(score)])
    mean = float(known.mean()) if len(known) else float('nan')
    return SeedSpread(mean, float(known.std(ddof=1)) if len(known) > 1 else None, len(known))


def relative_change(
    entry: Sequence[ScoreSeries], reference: Sequence[ScoreSeries], confidence: float = CONFIDENCE
) -> RelativeChange | None:
    """Relative change of a metric against a reference, with a paired bootstrap interval.

    The score of either side is the mean over its seeds of the score of the set. An image without a
    score (nan, or for IoU without a labelled pixel) in any seed of either side is left out of both.

    Args:
        entry: One series per seed.
        reference: One series per seed; the numbers of seeds may differ.
        confidence: Share of resamples inside the interval.

    Returns:
        The change; ``None`` if no image has a score on both sides or the reference's is 0.

    Raises:
        ValueError: The series are over different images or holes.
    """
    entry, reference = split_at(scored_by_all([*entry, *reference]), len(entry))
    base = mean_score(reference)
    if not np.isfinite(base) or base == 0:
        return None
    change = (mean_score(entry) - base) / abs(base)
    if len(entry[0]) < 2:
        return RelativeChange(change, confidence=confidence)
    ours, theirs = resampled_mean(entry), resampled_mean(reference)
    with np.errstate(divide='ignore', invalid='ignore'):
        changes = (ours - theirs) / np.abs(theirs)
    interval = percentile_interval(changes, confidence)
    return RelativeChange(change, *(interval or (None, None)), confidence=confidence)


def score_interval(
    series: Sequence[ScoreSeries], confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Bootstrap interval over images of the mean over seeds of the score of the set.

    Args:
        series: One series per seed.
        confidence: Share of resamples inside the interval.

    Returns:
        (low, high); ``None`` with fewer than two images that every seed has scored.

    Raises:
        ValueError: The series are over different images or holes.
    """
    series = scored_by_all(series)
    if len(series[0]) < 2:
        return None
    return percentile_interval(resampled_mean(series), confidence)


def percentile_interval(values: np.ndarray, confidence: float) -> tuple[float, float] | None:
    """The middle ``confidence`` of the values; ``None`` unless all are finite."""
    if not np.isfinite(values).all():
        return None
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(values, [tail, 100.0 - tail])
    return float(low), float(high)


def split_at(items: list, index: int) -> tuple[list, list]:
    """The items before an index and from it on."""
    return items[:index], items[index:]


def mean_score(series: Sequence[ScoreSeries]) -> float:
    """Mean over seeds of the score of the set."""
    return float(np.mean([one.score() for one in series]))


def resampled_mean(series: Sequence[ScoreSeries]) -> np.ndarray:
    """(``RESAMPLES``,) mean over seeds of the score of each resampled set."""
    return np.mean([resampled_scores(one) for one in series], axis=0)


def scored_by_all(series: Sequence[ScoreSeries]) -> list[ScoreSeries]:
    """The series restricted to the images that have a score in all of them.

    Raises:
        ValueError: They are over different images or holes.
    """
    for other in series[1:]:
        check_paired(series[0], other)
    keep = np.logical_and.reduce([has_score(one) for one in series])
    return [one.select(keep) for one in series]


def check_paired(first: ScoreSeries, second: ScoreSeries) -> None:
    """Make sure that two series score the same images with the same holes.

    Raises:
        ValueError: They do not, with the first difference.
    """
    what = f'{second.metric} cannot be compared image by image'
    remedy = 'score every entry on the same image and hole pairs'
    if len(first) != len(second):
        raise ValueError(f'{what}: {len(first)} images against {len(second)}; {remedy}')
    for index, names in enumerate(zip(first.samples, second.samples, strict=True)):
        if names[0] != names[1]:
            raise ValueError(f'{what}: image {index} is {names[0]!r} and {names[1]!r}; {remedy}')
    same = np.isclose(first.hole_areas, second.hole_areas, rtol=0, atol=1e-6)
    if not same.all():
        index = int(np.argmin(same))
        areas = f'{first.hole_areas[index]:.4f} and {second.hole_areas[index]:.4f}'
        raise ValueError(f'{what}: the hole of {first.samples[index]!r} has {areas}; {remedy}')


def has_score(series: ScoreSeries) -> np.ndarray:
    """(M,) bool: which images have a score of their own."""
    if series.reduction == 'iou':
        return series.items[:, 1].sum(axis=1) > 0
    return np.isfinite(series.items)


@lru_cache(maxsize=32)
def resample_counts(images: int) -> np.ndarray:
    """How often each of M images is drawn in each resample.

    The random numbers depend on M only, so that every series of M images gets the same resamples.

    Returns:
        (``RESAMPLES``, M) uint16, each row summing to M.
    """
    rng = np.random.default_rng(SEED)
    counts = np.empty((RESAMPLES, images), np.uint16)
    for row in counts:
        row[:] = np.bincount(rng.integers(images, size=images), minlength=images)
    return counts


def resampled_scores(series: ScoreSeries) -> np.ndarray:
    """Score of each resampled set.

    A weighted sum over images stands for picking them one by one, so a matrix product does it all.

    Args:
        series: Scores of M images, all of which have one.

    Returns:
        (``RESAMPLES``,) float.
    """
    flat = series.items.reshape(len(series), -1).astype(float)
    # In parts: as floats, the counts of a large data set would fill the memory.
    parts = np.array_split(resample_counts(len(series)), 10)
    sums = np.concatenate([part.astype(float) @ flat for part in parts])
    sums = sums.reshape(RESAMPLES, *series.items.shape[1:])
    return RESAMPLED[series.reduction](sums, len(series))


def mean_of_sums(sums: np.ndarray, images: int) -> np.ndarray:
    """(B,) means of (B,) sums over images."""
    return sums / images


def iou_of_sums(sums: np.ndarray, images: int) -> np.ndarray:
    """(B,) mean IoU in percent of (B, 2, K) summed counts; classes without a union are skipped."""
    intersection, union = sums[:, 0], sums[:, 1]
    ratio = np.divide(intersection, union, out=np.full_like(union, np.nan), where=union > 0)
    return np.nanmean(ratio, axis=1) * 100.0


RESAMPLED: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    'mean': mean_of_sums,
    'iou': iou_of_sums,
}
