"""The first line of losses, and the time left, after a few iterations."""

from __future__ import annotations

from typing import Any

from mmagic.registry import HOOKS
from mmengine.hooks import LoggerHook
from mmengine.runner import Runner

FIRST = 10  # iterations of a run, a resumed one too, after which it logs for the first time


@HOOKS.register_module()
class EarlyLoggerHook(LoggerHook):
    """mmengine's ``LoggerHook`` that also logs an early iteration of a run, and its last one.

    Args:
        **kwargs: Everything that mmengine's ``LoggerHook`` takes.
    """

    interval: int

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
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
        if step in (self._start + FIRST, runner.max_iters):
            self.interval = 1
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        self.interval = usual
