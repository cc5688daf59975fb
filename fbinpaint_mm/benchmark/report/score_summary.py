"""One number of a benchmark with all that says how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fbinpaint_mm.benchmark.report.statistics import RelativeChange, SeedSpread


class SeedScore(NamedTuple):
    """Score of one seed.

    Attributes:
        seed: Seed of the training; ``None`` where the benchmark did not train.
        mean: Score of the set; nan if no image has one.
        std: Standard deviation over images; nan where there are no scores of images.
        count: Number of images with a score.
    """

    seed: int | None
    mean: float
    std: float
    count: int


@dataclass(frozen=True)
class ScoreSummary:
    """Score of one entry by one metric, in one round, over one hole-area bin.

    Attributes:
        entry: Name of the entry.
        metric: Name of the metric.
        round: Round 0..R; ``None`` for the final result.
        bin: Name of the hole-area bin; ``'all'`` for the whole set.
        seeds: Score of each seed, at least one.
        spread: Mean and spread of the score over seeds.
        std: Standard deviation over images, mean over seeds; nan where there is none.
        count: Number of images with a score, in the seed that has fewest.
        interval: Bootstrap interval over images of ``spread.mean``; ``None`` where there is none.
        change: Change against the reference's final result in the same bin; ``None`` for that
            result itself, and where either side has no score.
    """

    entry: str
    metric: str
    round: int | None
    bin: str
    seeds: tuple[SeedScore, ...]
    spread: SeedSpread
    std: float
    count: int
    interval: tuple[float, float] | None
    change: RelativeChange | None
