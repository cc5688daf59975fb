"""The scores of single images, of which every mean, spread and interval is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


def mean_of_images(items: np.ndarray) -> float:
    """Mean over images.

    Args:
        items: (M,) float, the score of every image; nan where it has none.

    Returns:
        The mean of those that have one, a finite one; nan if none has.
    """
    finite = items[np.isfinite(items)]
    return float(finite.mean()) if finite.size else float('nan')


def iou_of_set(items: np.ndarray) -> float:
    """Mean IoU over classes, in percent, of pixel counts that are summed over images first.

    Args:
        items: (M, 2, K) float, intersection and union of every class in every image.

    Returns:
        Mean over the classes with a union, 0..100; nan if there is none.
    """
    intersection, union = items.sum(axis=0)
    present = union > 0
    if not present.any():
        return float('nan')
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

    def score(self) -> float:
        """Score of the whole set; nan if it has none."""
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
        return ScoreSeries(
            self.metric,
            self.round,
            [self.samples[index] for index in indices],
            self.hole_areas[indices],
            self.items[indices],
            self.reduction,
            self.higher_is_better,
        )

    def to_dict(self) -> dict[str, Any]:
        """The series as JSON can hold it; nan becomes ``None``."""
        items = self.items.astype(object)
        items[~np.isfinite(self.items)] = None
        return dict(
            metric=self.metric,
            round=self.round,
            samples=list(self.samples),
            hole_areas=self.hole_areas.tolist(),
            items=items.tolist(),
            reduction=self.reduction,
            higher_is_better=self.higher_is_better,
        )

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ScoreSeries:
        """The series that ``to_dict`` stored."""
        arrays = {key: np.array(stored[key], dtype=float) for key in ('hole_areas', 'items')}
        return cls(**{**stored, **arrays})
