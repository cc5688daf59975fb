"""How sure a score and a change are: a bootstrap over images and seeds, a t-interval over seeds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from scipy import stats

from fbinpaint_mm.evaluation.score_series import ScoreSeries
from fbinpaint_mm.user_error import UserError

RESAMPLES = 2000
CONFIDENCE = 0.95
SEED = 0
METHOD = (
    'percentile bootstrap over images and, where there are several, over seeds, drawn '
    'independently; the same draws for the entry and the reference, paired by seed; all holes of '
    'an image are drawn together'
)
CHANGE = (
    'exp(d) - 1, where d is the mean over seeds and images of the log ratio of entry and '
    'reference, that of an image being the mean over its holes; of IoU, FID and scores of which '
    'any is not positive, the log ratio of the scores of the set'
)
# Resamples computed at once; with 10,000 images each array of them takes 40 MB.
BATCH = 500
NAN = float('nan')
UNKNOWN = (NAN, NAN)
# Name of a sample -> name of its image, where several samples share one.
Images = Mapping[str, str]
ALL_DIFFER: Images = MappingProxyType({})


class Change(NamedTuple):
    """A change as a share of the reference's score: 0.01 is one percent more; nan is unknown.

    Attributes:
        change: See ``CHANGE``.
        low: Lower limit of the bootstrap interval.
        high: Its upper limit.
        t_low: Lower limit of the t-interval over seeds, of which each is the mean over images.
        t_high: Its upper limit.
    """

    change: float = NAN
    low: float = NAN
    high: float = NAN
    t_low: float = NAN
    t_high: float = NAN


def score_interval(
    series: Sequence[ScoreSeries], images: Images = ALL_DIFFER
) -> tuple[float, float]:
    """Bootstrap interval of the mean over seeds of the score of the set.

    Args:
        series: One per seed, over the same samples; those without a score in any are left out.
        images: The image of each sample.

    Returns:
        (low, high); nan with fewer than two images.
    """
    series = scored_by_all(series)
    image_of, count = number_images(series[0], images)
    return bootstrap(lambda draws: scores_of_sets(series, draws[:, image_of]), count, len(series))


def relative_change(
    entry: Sequence[ScoreSeries],
    reference: Sequence[ScoreSeries],
    images: Images = ALL_DIFFER,
) -> Change:
    """Change of a metric against a reference, with its intervals.

    A sample without a score (nan, or for IoU without a labeled pixel) in any seed of either side is
    left out of both.

    Args:
        entry: One series per seed.
        reference: One series per seed, over the same samples. As many as of the entry belong to
            the same seeds, in the same order; else each seed of the entry is compared with their
            mean.
        images: The image of each sample.

    Returns:
        The change. All is nan without a reference, without a sample that both sides have a score
        of, and where :func:`log_ratio` is. The bootstrap interval is nan with fewer than two
        images, the t-interval with fewer than two seeds.
    """
    series = scored_by_all([*entry, *reference])
    ours, theirs = series[: len(entry)], series[len(entry) :]
    if not theirs or not len(ours[0]):
        return Change()
    image_of, count = number_images(ours[0], images)
    ratios = ratios_of_sets(ours, theirs, image_of)
    change = change_of_seeds(ratios(np.ones((1, count)))[:, 0])
    if not np.isfinite(change.change):
        return change
    low, high = np.expm1(bootstrap(ratios, count, len(ours)))
    return change._replace(low=float(low), high=float(high))


def change_of_seeds(ratios: np.ndarray) -> Change:
    """The change and its t-interval, of (S,) log ratios, one for each seed."""
    mean, low, high = np.expm1([ratios.mean(), *t_interval(ratios)])
    return Change(float(mean), t_low=float(low), t_high=float(high))


def t_interval(values: np.ndarray) -> tuple[float, float]:
    """Student's interval of the mean of (S,) values; nan with fewer than two, or of nan."""
    if len(values) < 2 or not np.isfinite(values).all():
        return UNKNOWN
    margin = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stats.sem(values)
    return float(values.mean() - margin), float(values.mean() + margin)


def ratios_of_sets(
    ours: Sequence[ScoreSeries], theirs: Sequence[ScoreSeries], image_of: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the log ratio of each seed over resampled images.

    Args:
        ours: One series per seed, S of them, of M samples that have a score in all.
        theirs: Those of the reference.
        image_of: (M,) int, number of the image of each sample.

    Returns:
        A function of (B, I) float, how often each of I images is drawn, to (S, B) float.
    """
    if ours[0].reduction == 'mean':
        sides = [np.stack([one.items for one in side]) for side in (ours, theirs)]
        if all((side > 0).all() for side in sides):
            sums = np.stack([np.bincount(image_of, row) for row in log_ratio(*sides)])
            of_images = sums / np.bincount(image_of)
            return lambda draws: of_images @ draws.T / draws.shape[1]
    return lambda draws: log_ratio(
        scores_of_sets(ours, draws[:, image_of]), scores_of_sets(theirs, draws[:, image_of])
    )


def log_ratio(scores: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Log ratios, paired by seed.

    Args:
        scores: (S, N) float, one row for each seed.
        base: (S, N) float; with another number of seeds, their mean is compared with.

    Returns:
        (S, N) float, log(1 + (scores - base) / abs(base)): of positive scores log(scores / base).
        -inf where a score is 0; nan where the base is 0, and where there is no such logarithm.
    """
    base = base if len(base) == len(scores) else base.mean(axis=0, keepdims=True)
    with np.errstate(divide='ignore', invalid='ignore'):
        return np.log1p((scores - base) / np.where(base == 0, np.nan, np.abs(base)))


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray], images: int, seeds: int
) -> tuple[float, float]:
    """Percentile interval of the mean over seeds of a statistic of images.

    The random numbers depend on the numbers of images and seeds alone: all statistics of as many
    see the same resamples.

    Args:
        statistic: Gets (B, I) float, how often each image is drawn; returns (S, B) float.
        images: I.
        seeds: S; a single one is not drawn.

    Returns:
        (low, high); nan with fewer than two images, or if the statistic of any resample is.
    """
    if images < 2:
        return UNKNOWN

    def mean_of_resamples(drawn: np.ndarray, *drawn_seeds: np.ndarray, axis: int) -> np.ndarray:
        weights = [count_draws(one).T for one in drawn_seeds] or [np.ones((1, 1))]
        return np.mean(statistic(count_draws(drawn)) * weights[0], axis=0)

    with warnings.catch_warnings(), np.errstate(invalid='ignore'):
        # That the interval is nan where a statistic is.
        warnings.simplefilter('ignore', stats.DegenerateDataWarning)
        found = stats.bootstrap(
            [np.arange(count) for count in (images, seeds) if count > 1],
            mean_of_resamples,
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


def scores_of_sets(series: Sequence[ScoreSeries], draws: np.ndarray) -> np.ndarray:
    """Score of each resampled set by each seed.

    Args:
        series: One per seed, S of them, of M samples that have a score in all.
        draws: (B, M) float, how often each sample is drawn.

    Returns:
        (S, B) float.
    """
    # A weighted sum stands for picking samples one by one: a matrix product does it all.
    sums = [np.tensordot(draws, one.items, 1) for one in series]
    return np.stack(
        [
            iou_of_sums(found) if one.reduction == 'iou' else found / draws.sum(axis=1)
            for one, found in zip(series, sums, strict=True)
        ]
    )


def iou_of_sums(sums: np.ndarray) -> np.ndarray:
    """(B,) mean IoU in percent of (B, 2, K) summed counts; classes without a union are skipped."""
    intersection, union = sums[:, 0], sums[:, 1]
    ratio = np.divide(intersection, union, out=np.full_like(union, np.nan), where=union > 0)
    return np.nanmean(ratio, axis=1) * 100.0


def number_images(series: ScoreSeries, images: Images) -> tuple[np.ndarray, int]:
    """(M,) int, a number for the image of each sample, from 0 on; and how many images there are."""
    names = [images.get(sample, sample) for sample in series.samples]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=int), len(numbers)


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
