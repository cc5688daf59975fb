"""Ends a training that is told to stop with a checkpoint instead of a traceback."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from mmagic.registry import HOOKS
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fbinpaint_mm.engine.save_state import on_any_rank, save_state
from fbinpaint_mm.user_error import UserError

# Ctrl-C, and what a cluster sends before it kills.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@HOOKS.register_module()
class InterruptHook(Hook):
    """At Ctrl-C or SIGTERM, finishes the iteration, saves a checkpoint and ends the training.

    It ends by ``KeyboardInterrupt`` with the checkpoint's path; ``--resume`` continues from there.
    A second signal ends at once. During a validation the signal waits for its end. The checkpoint
    is not one of those that ``max_keep_ckpts`` counts: it stays until somebody removes it.

    ``listen`` is best called before the Runner builds its loop, as ``tools/train.py`` does: worker
    processes then inherit the handler, and do not die of the Ctrl-C that was meant for their
    parent. Otherwise it is called when training begins.

    Args:
        interval: With several processes, iterations between two looks at whether any of them was
            told to stop, so that all stop at the same iteration. A single process looks always.
            torchrun kills 30 seconds after it has passed a signal on: so many iterations, and the
            saving, must take less, or nothing is saved. Choose 1 for iterations of seconds.

    Attributes:
        received: Number of the signal, ``None`` while there was none.

    Raises:
        UserError: If ``interval`` is below 1.
    """

    priority = 'LOWEST'

    def __init__(self, interval: int = 10) -> None:
        if interval < 1:
            raise UserError(f'interval of InterruptHook must be at least 1, got {interval}')
        self.interval = interval
        self.received: int | None = None
        self.previous: dict = {}

    def listen(self) -> None:
        """Take over the signals; Python allows it in the main thread only."""
        if not self.previous and threading.current_thread() is threading.main_thread():
            self.previous = {number: signal.signal(number, self._receive) for number in SIGNALS}

    def before_train(self, runner: Runner) -> None:
        """Listen, if nobody has said so before."""
        self.listen()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Stop here if told so; the iteration that ends is not counted yet."""
        if get_world_size() == 1 or self.every_n_train_iters(runner, self.interval):
            self._stop_if_told(runner, runner.iter + 1)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Stop here if told so meanwhile."""
        self._stop_if_told(runner, runner.iter)

    def after_train(self, runner: Runner) -> None:
        """Give the signals back."""
        self._give_back()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            self._give_back()
            raise KeyboardInterrupt('stopped at once')
        self.received = number

    def _give_back(self) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)
        self.previous = {}

    def _stop_if_told(self, runner: Runner, iterations: int) -> None:
        if not on_any_rank(self.received is not None):
            return
        runner.logger.warning('Told to stop: saving a checkpoint.')
        path = save_state(runner, iterations)
        self._give_back()
        raise KeyboardInterrupt(
            f'training stopped after {iterations} iterations; --resume continues from {path}'
        )
