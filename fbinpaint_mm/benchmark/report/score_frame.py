"""The scores of single images as one long pandas frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fbinpaint_mm.benchmark.results import Benchmark
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins

FINAL = 'final'
COLUMNS = ['entry', 'seed', 'round', 'metric', 'sample', 'bin', 'value']


def score_frame(benchmark: Benchmark, bins: HoleAreaBins) -> pd.DataFrame:
    """One row for each entry, seed, round, metric and image.

    Args:
        benchmark: What was measured.
        bins: Hole-area bins.

    Returns:
        ``entry``; ``seed`` (nan where the benchmark did not train); ``round`` (0, 1, ... or
        ``'final'``); ``metric``; ``sample``, the name of the image; ``bin``, the name of its
        hole-area bin (``None`` outside every bin); ``value``, the score of the image on its own
        (nan where it has none). Rows of one model are in the order of ``benchmark.data.samples``.
    """
    parts = list(_parts(benchmark, bins))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _parts(benchmark: Benchmark, bins: HoleAreaBins) -> Iterator[pd.DataFrame]:
    """The rows of one entry, seed, round and metric at a time."""
    names = np.array([*bins.names, None], dtype=object)
    for entry in benchmark.entries:
        for run in entry.runs:
            for series in run.series:
                columns = dict(
                    entry=entry.name,
                    seed=run.seed,
                    round=FINAL if series.round is None else series.round,
                    metric=series.metric,
                    sample=series.samples,
                    bin=names[bins.assign(series.hole_areas)],
                    value=series.values,
                )
                yield pd.DataFrame(columns)
