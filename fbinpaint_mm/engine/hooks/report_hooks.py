"""What a validation says in the log: scores of every round, and what the recorrection did."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmagic.registry import HOOKS
from mmengine.dist import master_only
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner

from fbinpaint_mm.evaluation.metrics.correction_rate import CorrectionRate, class_scores
from fbinpaint_mm.evaluation.protocol import metrics_of_loop, protocol_of_loop
from fbinpaint_mm.evaluation.round_tables import (
    format_bin_tables,
    format_correction_table,
    format_round_table,
)
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import write_file

SCORE_FILE = 'round_scores.json'  # in the work directory


@HOOKS.register_module()
class RoundReportHook(Hook):
    """Answer "does the feedback help?" in the log, after every validation and at the end.

    Every validation and test logs a table with the metrics as rows and the rounds as columns, and
    where the metrics have ``area_bins`` one table for each with the bins as rows. The end of
    training logs the best checkpoint and, in the last line, a picture of the last validation.
    ``round_scores.json`` in the work directory holds under ``iterations`` the scores of each
    validated iteration (finite numbers only), and under ``protocol`` what each score measures; a
    resumed run keeps the entries up to the iteration it resumes from, a fresh one starts anew.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._history: dict[int, dict[str, float]] | None = None

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Take over the scores up to the iteration that training continues from.

        Raises:
            UserError: The score file of the work directory cannot be read.
        """
        history = read_history(self._path(runner)) if runner.iter else {}
        self._history = {step: scores for step, scores in history.items() if step <= runner.iter}

    @master_only
    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        """Log the tables and, within a training, add the scores to the file."""
        scores = finite_scores(runner, metrics)
        if self._history is not None:
            self._history[runner.iter] = scores
            write_history(self._path(runner), self._history, protocol_of_loop(runner.val_loop))
        self._log_tables(runner, scores, f'iteration {runner.iter}')

    @master_only
    def after_test_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        """Log the tables."""
        self._log_tables(runner, finite_scores(runner, metrics), 'test')

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Log where the scores, the best checkpoint and a picture are."""
        if self._history:
            runner.logger.info(f'Scores of all validations: {self._path(runner)}')
        for path in best_checkpoints(runner):
            runner.logger.info(f'Best checkpoint: {path}')
        picture = latest_picture(Path(runner.log_dir))
        if picture is not None:
            runner.logger.info(f'Picture of every round: {picture}')

    def _path(self, runner: Runner) -> Path:
        return Path(runner.work_dir) / SCORE_FILE

    def _log_tables(self, runner: Runner, scores: dict[str, float], when: str) -> None:
        if table := format_round_table(scores):
            runner.logger.info(
                f'Scores of every round ({when}; ▲ better, ▼ worse than the round before)\n{table}'
            )
        for table in format_bin_tables(scores):
            runner.logger.info(f'Scores by hole area ({when})\n{table}')


def finite_scores(runner: Runner, metrics: Mapping[str, Any] | None) -> dict[str, float]:
    """The numbers among the metrics; warns of those that a file or a table cannot hold."""
    scores = {key: as_float(value) for key, value in (metrics or {}).items()}
    dropped = [key for key, value in scores.items() if not math.isfinite(value)]
    if dropped:
        runner.logger.warning(f'no finite score, left out of the report: {", ".join(dropped)}')
    return {key: value for key, value in scores.items() if math.isfinite(value)}


def as_float(value: Any) -> float:
    """A score as a number; nan for what is none (mmagic's evaluator may report text)."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def read_history(path: Path) -> dict[int, dict[str, float]]:
    """Scores of each validated iteration; empty where there is no file.

    Raises:
        UserError: The file is not what ``write_history`` writes.
    """
    if not path.exists():
        return {}
    try:
        stored = json.loads(path.read_text(encoding='utf-8'))
        return {int(step): dict(scores) for step, scores in stored['iterations'].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'{path} is not a score history (protocol, and under iterations the scores of each): '
            f'{error!r}; move it away to start a new one'
        ) from error


def write_history(
    path: Path,
    history: Mapping[int, Mapping[str, float]],
    protocol: Mapping[str, Mapping[str, Any]],
) -> None:
    """Replace the file in one step, so that an interruption leaves the old or the new one.

    Args:
        path: The file.
        history: Iteration -> name of each score -> value.
        protocol: Name of each metric -> what it measures.
    """
    iterations = {str(step): dict(history[step]) for step in sorted(history)}
    text = json.dumps({'protocol': protocol, 'iterations': iterations}, indent=1, allow_nan=False)
    write_file(path, text + '\n')


def best_checkpoints(runner: Runner) -> list[str]:
    """Paths of the best checkpoints that the run's ``CheckpointHook`` has kept."""
    paths = []
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            several = getattr(hook, 'best_ckpt_path_dict', {})
            paths += [getattr(hook, 'best_ckpt_path', None), *several.values()]
    return [str(path) for path in paths if path]


def latest_picture(folder: Path) -> Path | None:
    """The picture of a validated or tested sample below a folder that was written last."""
    # As FeedbackVisualizer names them; other pictures have other names.
    pictures = folder.glob('vis_data/**/*_iter_*.png')
    return max(pictures, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)


@HOOKS.register_module()
class CorrectionReportHook(Hook):
    """Log the correction rate of every class, as a table and as scalars.

    After every validation the log file, not the console, gets a table with the classes as rows, and
    every back end of the visualizer the scalars ``correction/<class>/roundR/mended`` and
    ``.../spoiled``, in percent. They are counted by ``CorrectionRate``, which has to be in
    ``val_evaluator``; without it, or without maps (no segmentor, no rounds), the hook does nothing
    and says so once.
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
            f'{runner.iter}; corrected: % of the wrong pixels, spoiled: % of the right '
            f'ones made wrong)\n{format_correction_table(counts, classes)}',
            extra={'file_only': True},
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
