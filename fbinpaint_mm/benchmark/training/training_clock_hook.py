"""Tells a benchmark how far a training is and what it took."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter

from mmagic.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from fbinpaint_mm.write_file import write_file

FILE_NAME = 'progress.json'
CHECKPOINT_KEY = 'training_seconds'


@HOOKS.register_module()
class TrainingClockHook(Hook):
    """Writes ``progress.json`` into the work directory: ``iteration`` done, ``seconds`` spent.

    The seconds are wall-clock time from the first iteration on: data, model and checkpoints, not
    the start of the process. They are kept in checkpoints: a resumed training goes on counting,
    without the time of iterations that were lost.

    It also sets ``cur_iter``, by which mmagic's inpaintors follow their phases and which their
    checkpoints do not keep.

    Args:
        interval: Seconds between two writings; the last iteration is always written.
    """

    priority = 'LOWEST'

    def __init__(self, interval: float = 0.5) -> None:
        self.interval = interval
        self.seconds = 0.0
        self._since = self._written = perf_counter()

    def before_train(self, runner: Runner) -> None:
        """Start the clock, at zero unless the training is resumed."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if runner.iter == 0:
            self.seconds = 0.0
        elif hasattr(model, 'cur_iter'):
            model.cur_iter += runner.iter
        self._since = perf_counter()
        self._write(runner, runner.iter)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Write the file, if the last time is long enough ago."""
        self._update()
        last = runner.iter + 1 == runner.max_iters
        if last or self._since - self._written >= self.interval:
            self._write(runner, runner.iter + 1)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the seconds."""
        self._update()
        checkpoint[CHECKPOINT_KEY] = self.seconds

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Go on counting where the checkpoint was saved."""
        self.seconds = checkpoint.get(CHECKPOINT_KEY, 0.0)

    def _update(self) -> None:
        now = perf_counter()
        self.seconds += now - self._since
        self._since = now

    def _write(self, runner: Runner, iteration: int) -> None:
        self._written = perf_counter()
        progress = dict(iteration=iteration, seconds=self.seconds)
        write_file(Path(runner.work_dir) / FILE_NAME, json.dumps(progress))
