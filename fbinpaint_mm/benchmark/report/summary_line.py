"""One line for the log when an entry is finished."""

from __future__ import annotations

from fbinpaint_mm.benchmark.report.formats import (
    format_change,
    format_quantity,
    format_score,
    format_seconds,
)
from fbinpaint_mm.benchmark.report.statistics import RelativeChange, spread_over_seeds
from fbinpaint_mm.benchmark.results import EntryResult
from fbinpaint_mm.evaluation.score_series import ScoreName


def summary_line(entry: EntryResult, reference: EntryResult | None = None) -> str:
    """Final scores of the whole set, mean over seeds, and what they cost.

    ``one_way: PSNR 20.46, SSIM 0.6577 (48.0 ms/image, 1.24 M parameters)``; with a reference each
    score is followed by its relative change, without an interval.

    Args:
        entry: What was measured.
        reference: Entry to compare with, if it is known yet; the entry itself is not compared.

    Returns:
        One line; for an entry that failed the last line of its error.
    """
    if not entry.runs:
        lines = (entry.error or 'no scores').strip().splitlines()
        return f'{entry.name}: failed: {lines[-1]}'
    base = {} if reference is None or reference.name == entry.name else final_scores(reference)
    scores = [score_text(*item, base) for item in final_scores(entry).items()]
    costs = cost_texts(entry)
    line = f'{entry.name}: {", ".join(scores)}' + (f' ({", ".join(costs)})' if costs else '')
    return f'{line}; failed: {entry.error.strip().splitlines()[-1]}' if entry.error else line


def final_scores(entry: EntryResult) -> dict[str, float]:
    """Metric -> final score of the whole set, mean over seeds."""
    seeds: dict[str, list[float]] = {}
    for run in entry.runs:
        for series in run.series:
            if series.round is None:
                seeds.setdefault(series.metric, []).append(series.score())
        for name, score in run.set_scores.items():
            if ScoreName.parse(name).round is None:
                seeds.setdefault(name, []).append(score)
    return {metric: spread_over_seeds(scores).mean for metric, scores in seeds.items()}


def score_text(metric: str, score: float, base: dict[str, float]) -> str:
    """A score and its change, where the base has one that is not 0."""
    text = f'{metric} {format_score(metric, score)}'
    if not base.get(metric):
        return text
    change = RelativeChange((score - base[metric]) / abs(base[metric]))
    return f'{text} ({format_change(change)})'


def cost_texts(entry: EntryResult) -> list[str]:
    """Time per image, parameters and seeds, as far as they are known."""
    texts = []
    if entry.speed.get('seconds_per_image'):
        texts.append(f'{format_seconds(entry.speed["seconds_per_image"])}/image')
    if entry.speed.get('parameters'):
        texts.append(f'{format_quantity(entry.speed["parameters"])} parameters')
    if len(entry.runs) > 1:
        texts.append(f'{len(entry.runs)} seeds')
    return texts
