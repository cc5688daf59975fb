"""Checkpoints that survive a kill and a full disk."""

from __future__ import annotations

import inspect
from collections import deque
from pathlib import Path
from typing import Any

from mmagic.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, get_file_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from fbinpaint_mm.engine.hooks.utils import validation_follows
from fbinpaint_mm.engine.save_state import WHOLE_FILE
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import remove_drafts, write_file

RECORD = 'last_checkpoint'
# In the message hub, which is part of a checkpoint: the iteration of the last validation.
VALIDATED = 'validated'


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook``, with all its arguments, that never leaves less than it found.

    * A checkpoint, the best one too, and the record ``last_checkpoint`` are written under a
      temporary name, flushed to the disk and renamed: a process killed at any moment leaves the old
      file or the new one. What a killed run left half written is removed at the next start.
    * The checkpoints that ``max_keep_ckpts`` and ``save_best`` give up are removed after the new
      one is whole; mmengine removes them before, and with ``max_keep_ckpts=1`` a kill in between
      leaves none.
    * Where a checkpoint cannot be written (disk full), the error is logged with the file and the
      free space, older checkpoints stay, and training goes on to the next save. Only the
      checkpoint of the last iteration raises: nothing else would keep its state.
    * A checkpoint is written before the validation that follows its iteration, and once more after
      it: the best score is part of it. A run that is resumed from one that knows of no such
      validation, since the process was killed in between, makes up for it before it trains on.

    A remote ``out_dir`` (``s3://``, ...) is written by its own backend; the order of writing and
    removing holds there too.
    """

    backend_args: dict | None
    last_ckpt: str | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What mmengine's does not know it hands to every call of this, the first one hours away.
        for key in self.args:
            if key not in inspect.signature(Runner.save_checkpoint).parameters:
                raise TypeError(f'CheckpointHook() got an unexpected keyword argument {key!r}')

    def before_train(self, runner: Runner) -> None:
        """Choose how to write, and clear up after a run that was killed while writing."""
        out_dir = self.out_dir or runner.work_dir
        given = self.backend_args or self.file_client_args
        if given is None and isinstance(get_file_backend(out_dir), LocalBackend):
            self.backend_args = dict(backend=WHOLE_FILE)
        info = runner.message_hub.runtime_info
        if 'keep_ckpt_ids' in info:  # parts of names of files that mmengine removes
            info['keep_ckpt_ids'] = [step for step in info['keep_ckpt_ids'] if type(step) is int]
        super().before_train(runner)
        if is_main_process() and isinstance(self.file_backend, LocalBackend):
            for draft in remove_drafts(Path(self.out_dir)):
                runner.logger.warning(f'Removed {draft}, which an interrupted run left unfinished.')

        if self.save_best:
            self._set_best_paths({k: self._own(path) for k, path in self._best_paths().items()})
        self._lacks_validation = False
        if runner.iter > 0:
            self._go_on(runner)

    def _own(self, best: str | None) -> str | None:
        """The best checkpoint of the folder by a path that was noted, perhaps in another place.

        It is removed for a better one: a copy of a run must not remove what the original noted, nor
        a checkpoint name what never was one.
        """
        name = str(best or '').rpartition('/')[2]
        path = self.file_backend.join_path(self.out_dir, name)
        return path if name.startswith('best_') and self._exists(path) else None

    def _go_on(self, runner: Runner) -> None:
        """Find out what the run that is resumed has left: the last checkpoint, the validation."""
        noted = runner.message_hub.runtime_info.get('last_ckpt')
        known = (self._path(self._step(runner)), noted)  # the folder may have been moved since
        self.last_ckpt = next((path for path in known if path and self._exists(path)), None)
        validated = runner.message_hub.runtime_info.get(VALIDATED)
        self._lacks_validation = validation_follows(runner) and validated != runner.iter

    def before_train_epoch(self, runner: Runner) -> None:
        """Make up for a validation, now that every hook has begun its work."""
        if self._lacks_validation:
            self._lacks_validation = False
            runner.logger.info(
                f'The run stopped before the validation of iteration {runner.iter}: it is made now.'
            )
            runner.val_loop.run()

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Save the best checkpoint, and note in that of this iteration that it is validated."""
        runner.message_hub.update_info(VALIDATED, runner.iter)
        best = _best_scores(runner)
        super().after_val_epoch(runner, metrics)
        # After a better score mmengine has saved it again.
        is_noted = best != _best_scores(runner)
        if self.last_ckpt and self.last_ckpt == self._path(self._step(runner)) and not is_noted:
            meta = dict(epoch=runner.epoch, iter=runner.iter)
            self._save_checkpoint_with_step(runner, self._step(runner), meta)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        """Write the checkpoint, then the record that names it, then remove what is too old."""
        path = self._path(step)
        before = dict(runner.message_hub.runtime_info)
        kept, outdated = self._kept_and_outdated(step)
        # Both are part of the checkpoint, so they are set before it is written.
        runner.message_hub.update_info('last_ckpt', path)
        if self.max_keep_ckpts > 0:
            runner.message_hub.update_info('keep_ckpt_ids', kept)
        try:
            self._write(runner, Path(path).name, meta)
        except OSError as error:
            _restore(runner, before)
            # Nothing but this checkpoint would keep the end of the training.
            if step == self._last_step(runner) and path != self.last_ckpt:
                raise
            self._report(runner, error)
            return
        self.last_ckpt = path
        if self.max_keep_ckpts > 0:
            self.keep_ckpt_ids = deque(kept, self.max_keep_ckpts)
        for old in outdated:
            self._remove(self._path(old))

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        """As mmengine's, but the previous best checkpoint goes after the new one is whole."""
        if not self.save_best:
            return
        self._check_is_measured(metrics)
        previous, before = self._best_paths(), dict(runner.message_hub.runtime_info)
        # mmengine removes first what these name.
        self._set_best_paths(dict.fromkeys(previous))
        try:
            super()._save_best_checkpoint(runner, metrics)
        except OSError as error:
            _restore(runner, before)
            self._set_best_paths(previous)
            self._report(runner, error)
            return
        found = self._best_paths()
        self._set_best_paths({key: found[key] or previous.get(key) for key in found})
        for key, path in previous.items():
            if path and found.get(key) not in (None, path):
                self._remove(path)

    def _check_is_measured(self, metrics: dict) -> None:
        unknown = [key for key in self.key_indicators if key not in ('auto', *metrics)]
        if unknown:
            raise UserError(
                f'default_hooks.checkpoint.save_best: found {unknown[0]!r}, expected one of '
                f'{", ".join(metrics)}'
            )

    def _path(self, step: int) -> str:
        return self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(step))

    def _step(self, runner: Runner) -> int:
        """The number in the name of a checkpoint of now."""
        return runner.epoch if self.by_epoch else runner.iter

    def _kept_and_outdated(self, step: int) -> tuple[list[int], list[int]]:
        """Steps of the checkpoints that stay with the new one, and of those that go."""
        if self.max_keep_ckpts <= 0:
            return [], []
        steps = [old for old in self.keep_ckpt_ids if old != step] + [step]
        return steps[-self.max_keep_ckpts :], steps[: -self.max_keep_ckpts]

    def _write(self, runner: Runner, name: str, meta: dict) -> None:
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            path = self.file_backend.join_path(self.out_dir, name)
            write_file(Path(runner.work_dir, RECORD), path, durable=True)

    def _remove(self, path: str) -> None:
        if not is_main_process():
            return
        if self.file_backend.isfile(path):
            self.file_backend.remove(path)
        elif self.file_backend.isdir(path):  # DeepSpeed's checkpoints are folders
            self.file_backend.rmtree(path)

    def _exists(self, path: str) -> bool:
        return self.file_backend.isfile(path) or self.file_backend.isdir(path)

    def _best_paths(self) -> dict[str, str | None]:
        """Path of the best checkpoint of every score; one score has no name in mmengine."""
        if len(self.key_indicators) == 1:
            return {'': self.best_ckpt_path}
        return dict(self.best_ckpt_path_dict)

    def _set_best_paths(self, paths: dict[str, str | None]) -> None:
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = paths['']
        else:
            self.best_ckpt_path_dict = dict(paths)

    def _last_step(self, runner: Runner) -> int:
        return runner.max_epochs if self.by_epoch else runner.max_iters

    def _report(self, runner: Runner, error: OSError) -> None:
        runner.logger.error(
            f'Checkpoint not saved: {error}. Training goes on; the newest whole checkpoint is '
            f'{self.last_ckpt or "none yet"}.'
        )


def _best_scores(runner: Runner) -> dict[str, float]:
    info = runner.message_hub.runtime_info
    return {key: value for key, value in info.items() if key.startswith('best_score')}


def _restore(runner: Runner, info: dict) -> None:
    """Put mmengine's notes back to what they were before a save that failed."""
    runner.message_hub.runtime_info.clear()
    runner.message_hub.runtime_info.update(info)
