"""The first line of losses, and the time left, after a few iterations."""

from __future__ import annotations

from typing import Any

from mmagic.registry import HOOKS
from mmengine.hooks import LoggerHook
from mmengine.runner import Runner

from fbinpaint_mm.user_error import UserError


@HOOKS.register_module()
class EarlyLoggerHook(LoggerHook):
    """mmengine's ``LoggerHook`` that also logs an early iteration of a run, and its last one.

    Args:
        first: Iterations of a run, a resumed one too, after which it logs for the first time.
        **kwargs: Everything that mmengine's ``LoggerHook`` takes.

    Raises:
        UserError: If ``first`` is below 1.
    """

    def __init__(self, first: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.interval: int
        if first < 1:
            raise UserError(f'first of EarlyLoggerHook must be at least 1, got {first}')
        self.first = first
        self._start = 0

    def before_train(self, runner: Runner) -> None:
        """Note where this run begins."""
        self._start = runner.iter

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Log, if it is time."""
        usual, step = self.interval, runner.iter + 1
        if step in (self._start + self.first, runner.max_iters):
            self.interval = 1
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        self.interval = usual
