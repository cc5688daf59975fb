"""All scores of a benchmark, summarised once for every file, table and plot."""

from __future__ import annotations

from collections.abc import Sequence

from fbinpaint_mm.benchmark.report.score_summary import ScoreSummary
from fbinpaint_mm.benchmark.report.summarize import ALL, summarize
from fbinpaint_mm.benchmark.results import Benchmark
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.evaluation.score_series import ScoreName, higher_is_better


class ScoreTable:
    """Score of every entry by every metric, in every round and the end, over every bin.

    Args:
        benchmark: What was measured.
        bins: Hole-area bins; an image outside every bin counts only in ``'all'``.

    Attributes:
        reference: Name of the entry that the others are compared with.
        entries: Names of the entries that have any score, in the order of the benchmark.
        bins: ``'all'``, then the names of the bins.
        metrics: Names of the metrics that any entry has, those of the protocol first.
        units: Unit of each metric, empty where it has none.
        summaries: Everything, ordered by entry, metric, round (the final result last) and bin.

    Raises:
        ValueError: Entries were scored on different images.
    """

    def __init__(self, benchmark: Benchmark, bins: HoleAreaBins) -> None:
        self.reference = benchmark.reference
        self.bins = (ALL, *bins.names)
        self.metrics = metrics_of(benchmark)
        self.units = {
            name: benchmark.protocol.get(name, {}).get('unit') or '' for name in self.metrics
        }
        self.summaries = list(summarize(benchmark, self.metrics, bins))
        self.entries = list(dict.fromkeys(one.entry for one in self.summaries))
        self._directions = directions_of(benchmark, self.metrics)
        self._found = {(one.entry, one.metric, one.round, one.bin): one for one in self.summaries}

    def find(
        self, entry: str, metric: str, bin_name: str = ALL, round_index: int | None = None
    ) -> ScoreSummary | None:
        """The summary of an entry, metric, bin and round (``None``: final), or ``None``."""
        return self._found.get((entry, metric, round_index, bin_name))

    def rounds_of(self, entry: str, metric: str | None = None) -> list[int]:
        """Rounds that an entry has scores of, by one metric or by any."""
        rounds = {
            one.round
            for one in self.summaries
            if one.entry == entry and metric in (None, one.metric) and one.round is not None
        }
        return sorted(rounds)

    def higher_is_better(self, metric: str) -> bool:
        """Whether a larger score is a better one."""
        return self._directions[metric]

    def headline(self, metric: str) -> str:
        """Name of a metric with the direction that is better: ``PSNR ↑``."""
        return f'{metric} {"↑" if self.higher_is_better(metric) else "↓"}'

    def has_images(self, metric: str) -> bool:
        """Whether single images have scores by this metric (FID has only one for a set)."""
        return any(one.metric == metric and one.bin != ALL for one in self.summaries)


def metrics_of(benchmark: Benchmark) -> list[str]:
    """Names of the metrics that any entry has, those of the protocol first, in its order."""
    found: dict[str, None] = {}
    for entry in benchmark.entries:
        for run in entry.runs:
            found.update(dict.fromkeys(series.metric for series in run.series))
            found.update(dict.fromkeys(ScoreName.parse(name).metric for name in run.set_scores))
    order = list(benchmark.protocol)
    return sorted(found, key=lambda name: order.index(name) if name in order else len(order))


def directions_of(benchmark: Benchmark, metrics: Sequence[str]) -> dict[str, bool]:
    """Metric -> whether higher is better: by its protocol, else by its series, else by its name."""
    directions = {metric: higher_is_better(metric) for metric in metrics}
    runs = [run for entry in benchmark.entries for run in entry.runs]
    directions.update({one.metric: one.higher_is_better for run in runs for one in run.series})
    for metric, protocol in benchmark.protocol.items():
        if 'higher_is_better' in protocol:
            directions[metric] = protocol['higher_is_better']
    return directions
