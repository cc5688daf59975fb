"""Tables of every round's scores in the log, their history in a file, pointers at the end."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmagic.registry import HOOKS
from mmengine.dist import master_only
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner
from prettytable import PrettyTable

ROUND_KEY = re.compile(r'^(?P<prefix>(?:.*/)?)round(?P<round>\d+)/(?P<name>[^/]+)$')
LOWER_IS_BETTER = ('MAE', 'MSE', 'RMSE', 'LPIPS', 'FID', 'KID', 'NIQE', 'SWD', 'loss')
FINAL = 'final'


@HOOKS.register_module()
class RoundReportHook(Hook):
    """Answer "does the feedback help?" in the log, after every validation and at the end.

    Every validation and test logs a table with the metrics as rows and the rounds as columns. The
    end of training logs the last table again, the best checkpoint and, in the last line, a picture
    of the last validation. ``round_scores.json`` in the work directory maps each validated
    iteration to its scores (finite numbers only); a resumed run keeps the entries up to the
    iteration it resumes from, a fresh one starts anew.

    Args:
        file_name: Name of the score file in the work directory.
        lower_is_better: Beginnings of the names of metrics that should fall; all others should
            rise.
    """

    priority = 'LOWEST'

    def __init__(
        self,
        file_name: str = 'round_scores.json',
        lower_is_better: Sequence[str] = LOWER_IS_BETTER,
    ) -> None:
        self.file_name = file_name
        self.lower_is_better = tuple(lower_is_better)
        self._history: dict[int, dict[str, float]] | None = None

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Take over the scores up to the iteration that training continues from.

        Raises:
            ValueError: The score file of the work directory cannot be read.
        """
        history = read_history(self._path(runner)) if runner.iter else {}
        self._history = {step: scores for step, scores in history.items() if step <= runner.iter}

    @master_only
    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        """Log the table and, within a training, add the scores to the file."""
        scores = self._finite_scores(runner, metrics)
        if self._history is not None:
            self._history[runner.iter] = scores
            write_history(self._path(runner), self._history)
        self._log_table(runner, scores, f'iteration {runner.iter}')

    @master_only
    def after_test_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        """Log the table."""
        self._log_table(runner, self._finite_scores(runner, metrics), 'test')

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Log the last table, the best checkpoint and a picture."""
        if self._history:
            step = max(self._history)
            self._log_table(runner, self._history[step], f'end of training, iteration {step}')
            runner.logger.info(f'Scores of all validations: {self._path(runner)}')
        for path in best_checkpoints(runner):
            runner.logger.info(f'Best checkpoint: {path}')
        picture = latest_picture(Path(runner.log_dir))
        if picture is not None:
            runner.logger.info(f'Picture of every round: {picture}')

    def _path(self, runner: Runner) -> Path:
        return Path(runner.work_dir) / self.file_name

    def _log_table(self, runner: Runner, scores: dict[str, float], when: str) -> None:
        if scores:
            table = format_round_table(scores, self.lower_is_better)
            runner.logger.info(
                f'Scores of every round ({when}; ▲ better, ▼ worse than the round before)\n{table}'
            )

    @staticmethod
    def _finite_scores(runner: Runner, metrics: Mapping[str, Any] | None) -> dict[str, float]:
        """The numbers among the metrics, less those that a file or a table cannot hold."""
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


def group_by_round(scores: Mapping[str, float]) -> dict[str, dict[int | str, float]]:
    """Metric (with its prefix) -> column -> value; the column is a round or ``'final'``.

    A final score that equals the last round's has no column of its own.
    """
    table: dict[str, dict[int | str, float]] = {}
    for key, value in scores.items():
        match = ROUND_KEY.match(key)
        name = match['prefix'] + match['name'] if match else key
        table.setdefault(name, {})[int(match['round']) if match else FINAL] = value
    for row in table.values():
        rounds = [column for column in row if column != FINAL]
        if rounds and row.get(FINAL) == row[max(rounds)]:
            del row[FINAL]
    return table


def format_round_table(scores: Mapping[str, float], lower_is_better: Sequence[str] = ()) -> str:
    """Rounds as columns, metrics as rows, a mark where a round differs from the one before.

    Args:
        scores: ``roundN/<metric>`` and ``<metric>`` (final), possibly after a prefix -> value.
        lower_is_better: Beginnings of the names of metrics that should fall.

    Returns:
        The table as text of several lines.
    """
    grouped = group_by_round(scores)
    columns = {column for row in grouped.values() for column in row}
    rounds = sorted(column for column in columns if column != FINAL)
    order = [*rounds, *({FINAL} & columns)]
    table = PrettyTable(['', *(FINAL if one == FINAL else f'round {one}' for one in order)])
    table.align = 'r'
    table.align[''] = 'l'
    for name, row in grouped.items():
        falls = name.rpartition('/')[2].startswith(tuple(lower_is_better))
        table.add_row([name, *format_row([row.get(column) for column in order], falls)])
    return table.get_string()


def format_row(values: Sequence[float | None], lower_is_better: bool) -> list[str]:
    """Each value with four decimals and its mark against the nearest value to its left."""
    texts = []
    before = None
    for value in values:
        if value is None:
            texts.append('-  ')
            continue
        change = 0.0 if before is None else round(value - before, 4)
        better = change < 0 if lower_is_better else change > 0
        mark = ' ' if change == 0 else '▲' if better else '▼'
        texts.append(f'{value:.4f} {mark}')
        before = value
    return texts


def read_history(path: Path) -> dict[int, dict[str, float]]:
    """Scores of each validated iteration; empty where there is no file.

    Raises:
        ValueError: The file is not what ``write_history`` writes.
    """
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding='utf-8'))
        return {int(step): dict(scores) for step, scores in entries.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path} is not a score history (iteration -> scores): {error}; move it away to start '
            'a new one'
        ) from error


def write_history(path: Path, history: Mapping[int, Mapping[str, float]]) -> None:
    """Replace the file in one step, so that an interruption leaves the old or the new one."""
    entries = {str(step): dict(history[step]) for step in sorted(history)}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + '.part')
    draft.write_text(json.dumps(entries, indent=1, allow_nan=False) + '\n', encoding='utf-8')
    os.replace(draft, path)


def best_checkpoints(runner: Runner) -> list[str]:
    """Paths of the best checkpoints that the run's ``CheckpointHook`` has kept."""
    paths = []
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            several = getattr(hook, 'best_ckpt_path_dict', {})
            paths += [getattr(hook, 'best_ckpt_path', None), *several.values()]
    return [str(path) for path in paths if path]


def latest_picture(folder: Path) -> Path | None:
    """The PNG file below a folder that was written last."""
    pictures = folder.glob('vis_data/**/*.png')
    return max(pictures, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)
