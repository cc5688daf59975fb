"""What the recorrection mends and spoils, class by class, after every validation."""

from __future__ import annotations

from typing import Any

from mmagic.registry import HOOKS
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fbinpaint_mm.evaluation.correction_table import format_correction_table
from fbinpaint_mm.evaluation.metrics.correction_rate import CorrectionRate, class_scores
from fbinpaint_mm.evaluation.protocol import metrics_of_loop


@HOOKS.register_module()
class CorrectionReportHook(Hook):
    """Log the correction rate of every class, as a table and as scalars.

    After every validation the log gets a table with the classes as rows, and every back end of the
    visualiser the scalars ``correction/<class>/roundR/mended`` and ``.../spoiled``, in percent.
    They are counted by ``CorrectionRate``, which has to be in ``val_evaluator``; without it, or
    without maps (no segmentor, no rounds), the hook does nothing and says so once.
    """

    priority = 'LOW'

    def __init__(self) -> None:
        self._said_why_not = False

    @master_only
    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        """Log the table and the scalars."""
        metric = find_correction_rate(runner.val_loop)
        if metric is None or metric.class_counts is None:
            self._say_why_not(runner, metric)
            return
        counts, classes = metric.class_counts, metric.class_names()
        scores = class_scores(counts, classes)
        if scores:
            runner.visualizer.add_scalars(scores, step=runner.iter)
        runner.logger.info(
            "Correction of the segmentor's own map in the hole (iteration "
            f'{runner.iter}; mended: % of the wrong pixels put right, spoiled: % of the right '
            f'ones made wrong)\n{format_correction_table(counts, classes)}'
        )

    def _say_why_not(self, runner: Runner, metric: CorrectionRate | None) -> None:
        if not self._said_why_not:
            reason = (
                'val_evaluator has no CorrectionRate' if metric is None else 'there are no maps'
            )
            runner.logger.info(f'CorrectionReportHook does nothing: {reason}')
        self._said_why_not = True


def find_correction_rate(loop: Any) -> CorrectionRate | None:
    """The first ``CorrectionRate`` of a validation or test loop, mmagic's or mmengine's."""
    found = (metric for metric in metrics_of_loop(loop) if isinstance(metric, CorrectionRate))
    return next(found, None)
