"""Scores: their names and directions, image by image and of a whole set."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.user_error import UserError

PATTERN = re.compile(
    r'^(?P<prefix>(?:.*?/)??)'
    r'(?:round(?P<round>\d+)/)?'
    r'(?P<metric>[^/]+?)'
    r'(?:_(?P<bin>[\d.]+-[\d.]+))?'
    r'(?:_(?P<statistic>std|count))?$'
)
NAMED = 5  # images in a message
# Beginnings of the names of metrics that should fall.
LOWER_IS_BETTER = ('MAE', 'MSE', 'RMSE', 'LPIPS', 'FID', 'KID', 'NIQE', 'SWD', 'loss', 'spoiled')


def higher_is_better(name: str, falling: Sequence[str] = LOWER_IS_BETTER) -> bool:
    """Whether a larger score is a better one, by the name of the metric.

    Args:
        name: Name of a metric, possibly after a prefix: ``'PSNR'``, ``'faces/MAE_hole'``.
        falling: Beginnings of the names of metrics that should fall.

    Returns:
        ``False`` for a name that begins with one of ``falling``, else ``True``.
    """
    return not name.rpartition('/')[2].startswith(tuple(falling))


@dataclass(frozen=True)
class ScoreName:
    """The name under which an evaluator reports a score: ``round1/PSNR_10-20_std``.

    Attributes:
        metric: Name of the metric, after its prefix if it has one: ``'PSNR'``, ``'faces/PSNR'``.
        round: Round 0..R; ``None`` for the final result.
        bin: Bin of hole areas in percent, such as ``'10-20'``; ``None`` for all images.
        statistic: ``'std'`` or ``'count'``; ``None`` for the score itself.
    """

    metric: str
    round: int | None = None
    bin: str | None = None
    statistic: str | None = None

    def __str__(self) -> str:
        prefix, slash, metric = self.metric.rpartition('/')
        parts = [metric, *(part for part in (self.bin, self.statistic) if part is not None)]
        before = '' if self.round is None else f'round{self.round}/'
        return prefix + slash + before + '_'.join(parts)

    @classmethod
    def parse(cls, text: str) -> ScoreName:
        """The parts of a name; text of another form is the name of a metric as a whole."""
        match = PATTERN.match(text)
        if match is None:
            return cls(text)
        round_index = None if match['round'] is None else int(match['round'])
        return cls(match['prefix'] + match['metric'], round_index, match['bin'], match['statistic'])


def mean_of_images(items: np.ndarray) -> float:
    """Mean over images.

    Args:
        items: (M,) float, the score of every image.

    Returns:
        The mean; nan if there is no image, or one without a finite score: a mean over the others
        would look as good as one over all.
    """
    return float(items.mean()) if items.size and np.isfinite(items).all() else math.nan


def iou_of_set(items: np.ndarray) -> float:
    """Mean IoU over classes, in percent, of pixel counts that are summed over images first.

    Args:
        items: (M, 2, K) float, intersection and union of every class in every image.

    Returns:
        Mean over the classes with a union, 0..100; nan if there is none, or a count is nan.
    """
    intersection, union = items.sum(axis=0)
    present = union > 0
    if not present.any():
        return math.nan
    return float(np.mean(intersection[present] / union[present]) * 100.0)


REDUCTIONS: dict[str, Callable[[np.ndarray], float]] = {
    'mean': mean_of_images,
    'iou': iou_of_set,
}


@dataclass
class ScoreSeries:
    """One metric of one round, image by image.

    Attributes:
        metric: Name of the metric, such as ``'PSNR'``.
        round: Round 0..R, or ``None`` for the final image (or map) of the model.
        samples: Name of each of the M images.
        hole_areas: (M,) float in [0, 1], share of each image that is hole.
        items: (M,) float scores, or whatever ``reduction`` takes, first axis M.
        reduction: ``'mean'`` or ``'iou'``: how the score of a set is made of its images.
        higher_is_better: Which direction is better.
    """

    metric: str
    round: int | None
    samples: list[str]
    hole_areas: np.ndarray
    items: np.ndarray
    reduction: str = 'mean'
    higher_is_better: bool = True

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def values(self) -> np.ndarray:
        """(M,) float score of every image on its own; nan where it has none."""
        if self.reduction == 'mean':
            return np.where(np.isfinite(self.items), self.items, np.nan)
        reduce = REDUCTIONS[self.reduction]
        return np.array([reduce(item[None]) for item in self.items], dtype=float)

    @property
    def unscored(self) -> list[str]:
        """Names of the images that should have a score and have no finite one.

        One without a labeled pixel is not among them: it has no IoU by design.
        """
        finite = np.isfinite(self.items).all(axis=tuple(range(1, self.items.ndim)))
        return [self.samples[index] for index in np.flatnonzero(~finite)]

    def score(self) -> float:
        """Score of the whole set; nan if it has none, or an image is ``unscored``."""
        return REDUCTIONS[self.reduction](self.items)

    def select(self, chosen: Sequence[int] | np.ndarray) -> ScoreSeries:
        """The series of some of its images.

        Args:
            chosen: Indices of images, possibly repeated, or a (M,) bool array.

        Returns:
            A new series.
        """
        chosen = np.asarray(chosen)
        indices = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(int)
        return replace(
            self,
            samples=[self.samples[index] for index in indices],
            hole_areas=self.hole_areas[indices],
            items=self.items[indices],
        )

    def to_dict(self) -> dict[str, Any]:
        """The series as JSON can hold it; nan becomes ``None``."""
        items = self.items.astype(object)
        items[~np.isfinite(self.items)] = None
        return {**asdict(self), 'hole_areas': self.hole_areas.tolist(), 'items': items.tolist()}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ScoreSeries:
        """The series that ``to_dict`` stored."""
        arrays = {key: np.array(stored[key], dtype=float) for key in ('hole_areas', 'items')}
        return cls(**{**stored, **arrays})


def summarize(series: Sequence[ScoreSeries], bins: HoleAreaBins | None = None) -> dict[str, float]:
    """Scores of a whole set, by name.

    Args:
        series: Metrics and rounds, image by image.
        bins: Ranges of hole area to report on as well, with standard deviation and count of
            images of each and overall; ``None``: the score over all images alone.

    Returns:
        ``round1/PSNR`` (``PSNR`` for the final result) and with ``bins`` also ``_std``,
        ``_count``, ``_10-20``, ``_10-20_std`` and ``_10-20_count`` of each, in the order of
        ``series``. A score of no image is left out, its count is 0; one of a group with an
        ``unscored`` image is nan, its count that of the others.
    """
    scores: dict[str, float] = {}
    for one in series:
        groups = [(None, one)] if bins is None else groups_by_area(one, bins)
        for name, group in groups:
            found = {None: group.score()} if bins is None else describe(group)
            for statistic, value in found.items():
                if group.unscored or not math.isnan(value):
                    scores[str(ScoreName(one.metric, one.round, name, statistic))] = value
    return scores


def groups_by_area(
    series: ScoreSeries, bins: HoleAreaBins
) -> Iterator[tuple[str | None, ScoreSeries]]:
    """Name (``None``: all images) and series of all images, then of those of each bin."""
    yield None, series
    found = bins.assign(series.hole_areas)
    for index, name in enumerate(bins.names):
        yield name, series.select(found == index)


def describe(series: ScoreSeries) -> dict[str | None, float]:
    """Score, spread and number of images of one series.

    Args:
        series: A metric of a round, image by image.

    Returns:
        ``None`` -> score of the set; ``'std'`` -> sample standard deviation (``ddof=1``) of the
        images' own scores, 0 for one image; ``'count'`` -> images with a finite score. Score and
        spread are nan where no image has one, or one is ``unscored``.
    """
    values = series.values[np.isfinite(series.values)]
    if series.unscored or not len(values):
        spread = math.nan
    else:
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {None: series.score(), 'std': spread, 'count': len(values)}


def check_finite(scores: Mapping[str, Any]) -> None:
    """Makes sure that every score of a set is a finite number.

    Args:
        scores: By name; what is no number is left alone.

    Raises:
        UserError: Scores are nan or infinite; their metrics are named.
    """
    broken = [
        ScoreName.parse(name).metric
        for name, value in scores.items()
        if isinstance(value, numbers.Real) and not math.isfinite(value)
    ]
    if broken:
        raise UserError(
            f'no finite {", ".join(dict.fromkeys(broken))}; the log names the images (of '
            "mmagic's own metrics only within PerRound)"
        )


def name_some(names: Sequence[str]) -> str:
    """The first names of a list that may be long, and how many follow, for a message."""
    more = f' and {len(names) - NAMED} more' if len(names) > NAMED else ''
    return ', '.join(names[:NAMED]) + more
