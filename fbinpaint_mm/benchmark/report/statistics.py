"""How sure a score and a difference are: a paired bootstrap over images."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from fbinpaint_mm.evaluation.score_series import ScoreSeries
from fbinpaint_mm.user_error import UserError

RESAMPLES = 2000
CONFIDENCE = 0.95
SEED = 0
METHOD = (
    'percentile bootstrap over images; the same resampled images for the entry, the reference and '
    'all their seeds; seeds are averaged, not resampled'
)
# Resamples computed at once; with 10,000 images each array of them takes 40 MB.
BATCH = 500
UNKNOWN = (float('nan'), float('nan'))


def score_interval(series: Sequence[ScoreSeries]) -> tuple[float, float]:
    """Bootstrap interval over images of the mean over seeds of the score of the set.

    Args:
        series: One per seed, over the same images; images without a score in any are left out.

    Returns:
        (low, high); nan with fewer than two images.
    """
    series = scored_by_all(series)
    return bootstrap(lambda draws: mean_score(series, draws), len(series[0]))


def relative_change(
    entry: Sequence[ScoreSeries], reference: Sequence[ScoreSeries]
) -> tuple[float, float, float]:
    """Relative change of a metric against a reference, with a paired bootstrap interval.

    The score of either side is the mean over its seeds of the score of the set. An image without a
    score (nan, or for IoU without a labeled pixel) in any seed of either side is left out of both.

    Args:
        entry: One series per seed.
        reference: One series per seed, over the same images; the numbers of seeds may differ.

    Returns:
        (change, low, high) as shares of the reference's score: 0.01 is one percent more. All are
        nan without a reference, without an image that both sides have a score of, and where the
        reference's score is 0; the interval is nan with fewer than two images.
    """
    series = scored_by_all([*entry, *reference])
    ours, theirs, images = series[: len(entry)], series[len(entry) :], len(series[0])
    if not theirs or not images:
        return (float('nan'), *UNKNOWN)

    def change(draws: np.ndarray) -> np.ndarray:
        return relative(mean_score(ours, draws), mean_score(theirs, draws))

    (found,) = change(np.ones((1, images)))
    return (float(found), *(bootstrap(change, images) if np.isfinite(found) else UNKNOWN))


def relative(score: np.ndarray | float, base: np.ndarray | float) -> np.ndarray:
    """(score - base) / |base|; nan where the base is 0."""
    return (score - base) / np.where(base == 0, np.nan, np.abs(base))


def bootstrap(statistic: Callable[[np.ndarray], np.ndarray], images: int) -> tuple[float, float]:
    """Percentile interval of a statistic of M images.

    The random numbers depend on M alone: all statistics of M images see the same resamples.

    Args:
        statistic: Gets (B, M) float, how often each image is drawn; returns (B,) float.
        images: M.

    Returns:
        (low, high); nan with fewer than two images, or if the statistic of any resample is.
    """
    if images < 2:
        return UNKNOWN
    with warnings.catch_warnings():
        # That the interval is nan where a statistic is.
        warnings.simplefilter('ignore', stats.DegenerateDataWarning)
        found = stats.bootstrap(
            [np.arange(images)],
            lambda drawn, axis: statistic(count_draws(drawn)),
            n_resamples=RESAMPLES,
            batch=BATCH,
            vectorized=True,
            confidence_level=CONFIDENCE,
            method='percentile',
            rng=np.random.default_rng(SEED),
        )
    low, high = found.confidence_interval
    return float(low), float(high)


def count_draws(drawn: np.ndarray) -> np.ndarray:
    """(B, M) float, how often each of M images is among the (B, M) drawn indices of a row."""
    offsets = drawn.shape[1] * np.arange(len(drawn))[:, None]
    counts = np.bincount((drawn + offsets).ravel(), minlength=drawn.size)
    return counts.reshape(drawn.shape).astype(float)


def mean_score(series: Sequence[ScoreSeries], draws: np.ndarray) -> np.ndarray:
    """Mean over seeds of the score of each resampled set.

    Args:
        series: One per seed, of M images that have a score in all.
        draws: (B, M) float, how often each image is drawn; rows sum to M.

    Returns:
        (B,) float.
    """
    # A weighted sum stands for picking images one by one: a matrix product does it all.
    sums = [np.tensordot(draws, one.items, 1) for one in series]
    scores = [
        iou_of_sums(found) if one.reduction == 'iou' else found / len(one)
        for one, found in zip(series, sums, strict=True)
    ]
    return np.mean(scores, axis=0)


def iou_of_sums(sums: np.ndarray) -> np.ndarray:
    """(B,) mean IoU in percent of (B, 2, K) summed counts; classes without a union are skipped."""
    intersection, union = sums[:, 0], sums[:, 1]
    ratio = np.divide(intersection, union, out=np.full_like(union, np.nan), where=union > 0)
    return np.nanmean(ratio, axis=1) * 100.0


def scored_by_all(series: Sequence[ScoreSeries]) -> list[ScoreSeries]:
    """The series restricted to the images that have a score in all of them."""
    keep = np.logical_and.reduce([np.isfinite(one.values) for one in series])
    return [one.select(keep) for one in series]


def check_paired(series: Sequence[ScoreSeries]) -> None:
    """Make sure that all series score the same images with the same holes.

    Raises:
        UserError: They do not, with the first difference.
    """
    first = series[0]
    what = f'{first.metric} cannot be compared image by image'
    remedy = 'score every entry on the same image and hole pairs'
    for other in series[1:]:
        if len(first) != len(other):
            raise UserError(f'{what}: {len(first)} images against {len(other)}; {remedy}')
        pairs = zip(first.samples, other.samples, first.hole_areas, other.hole_areas, strict=True)
        for index, (name, other_name, area, other_area) in enumerate(pairs):
            if name != other_name:
                raise UserError(f'{what}: image {index} is {name!r} and {other_name!r}; {remedy}')
            if abs(area - other_area) > 1e-6:
                areas = f'{area:.4f} and {other_area:.4f}'
                raise UserError(f'{what}: the hole of {name!r} has {areas}; {remedy}')
