"""From the scores of single images to the scores that an evaluator reports."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.evaluation.score_name import ScoreName
from fbinpaint_mm.evaluation.score_series import ScoreSeries


def summarise(series: Sequence[ScoreSeries], bins: HoleAreaBins | None = None) -> dict[str, float]:
    """Scores of a whole set, by name.

    Args:
        series: Metrics and rounds, image by image.
        bins: Ranges of hole area to report on as well, with standard deviation and count of
            images of each and overall; ``None``: the score over all images alone.

    Returns:
        ``round1/PSNR`` (``PSNR`` for the final result) and with ``bins`` also ``_std``,
        ``_count``, ``_10-20``, ``_10-20_std`` and ``_10-20_count`` of each, in the order of
        ``series``. A score that no image has is left out; its count is 0.
    """
    scores: dict[str, float] = {}
    for one in series:
        if bins is None:
            scores[str(ScoreName(one.metric, one.round))] = one.score()
            continue
        for name, group in groups_by_area(one, bins):
            for statistic, value in describe(group).items():
                scores[str(ScoreName(one.metric, one.round, name, statistic))] = value
    return {name: value for name, value in scores.items() if not math.isnan(value)}


def groups_by_area(
    series: ScoreSeries, bins: HoleAreaBins
) -> Iterator[tuple[str | None, ScoreSeries]]:
    """All images, then those of each bin.

    Args:
        series: A metric of a round, image by image.
        bins: Ranges of hole area.

    Yields:
        Name of the bin (``None``: all images), and the series of its images.
    """
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
        spread are nan where no image has one.
    """
    values = series.values
    values = values[np.isfinite(values)]
    spread = math.nan if len(values) == 0 else 0.0 if len(values) == 1 else values.std(ddof=1)
    return {None: series.score(), 'std': float(spread), 'count': len(values)}
