"""Which samples of a benchmark are shown: by rule, so that nobody picks the nice ones."""

from __future__ import annotations

from typing import NamedTuple

from fbinpaint_mm.benchmark.report.formats import format_score
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.user_error import UserError

WORST = 3


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


class SampleRule:
    """The rule: typical samples of an entry, and those where the method loses most.

    It goes by LPIPS if that was measured, else by PSNR, else by the first metric of images.

    Args:
        table: The scores of a benchmark, those of images among them.

    Attributes:
        reference: Name of the reference, of the first entry if that has no scores.
        method: Name of the first entry with feedback rounds besides the reference, else of the
            last besides it; ``None`` without any.
    """

    def __init__(self, table: ScoreTable) -> None:
        self.table = table
        self.metric = table.image_metrics('LPIPS', 'PSNR')[0]
        scores = table.image_scores(self.metric)
        self.quality = scores if table.higher_is_better(self.metric) else -scores
        names = [name for name in table.entries if name in scores]
        self.reference = next((one for one in names if one == table.benchmark.reference), names[0])
        others = [name for name in names if name != self.reference]
        self.method = next((one for one in others if self._has_rounds(one)), None)
        if self.method is None and others:
            self.method = others[-1]

    def typical(self, entry: str) -> list[ChosenSample]:
        """In each bin the sample of which an entry has the median score.

        Between two samples it is the worse one, of equal samples the first.

        Raises:
            UserError: No image in any bin has a score.
        """
        bins, chosen = self.table.hole_bins, []
        found = bins.assign(self.table.benchmark.data.hole_areas)
        for index, name in enumerate(bins.names):
            ranked = self.quality[entry][found == index].dropna().sort_values(kind='stable')
            reason = f'median of {entry} by {self.metric} among holes of {name} %'
            middle = ranked.index[(len(ranked) - 1) // 2 :][:1]
            chosen += [self._choice(sample, reason) for sample in middle]
        if not chosen:
            raise UserError(f'{entry} has no score of an image with a hole of {bins.names} %')
        return chosen

    def worst(self) -> list[ChosenSample]:
        """The samples where the method is worse than the reference, the largest losses first."""
        if self.method is None:
            return []
        loss = self.quality[self.reference] - self.quality[self.method]
        largest = loss[loss > 0].nlargest(WORST)
        return [
            self._choice(
                sample,
                f'worst {rank}: {self.method} is {format_score(self.metric, lost)} {self.metric} '
                f'worse than {self.reference}',
            )
            for rank, (sample, lost) in enumerate(largest.items(), start=1)
        ]

    def _has_rounds(self, entry: str) -> bool:
        runs = self.table.benchmark.entry(entry).runs
        return any(series.round is not None for run in runs for series in run.series)

    def _choice(self, sample: str, reason: str) -> ChosenSample:
        data = self.table.benchmark.data
        return ChosenSample(sample, data.hole_areas[data.samples.index(sample)], reason)


def choose_samples(table: ScoreTable) -> list[ChosenSample]:
    """Typical samples of the reference, then where the method loses most; none of them twice.

    Args:
        table: The scores of a benchmark, those of images among them.
    """
    rule = SampleRule(table)
    unique: dict[str, ChosenSample] = {}
    for one in [*rule.typical(rule.reference), *rule.worst()]:
        unique.setdefault(one.name, one)
    return list(unique.values())


def choose_strip(table: ScoreTable) -> tuple[str, list[ChosenSample]]:
    """The method (or the only entry), and its typical samples in the order of the bins."""
    rule = SampleRule(table)
    shown = rule.method or rule.reference
    return shown, rule.typical(shown)
