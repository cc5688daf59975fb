"""Trains an entry in a process of its own, and picks up what an interrupted benchmark left."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from mmagic.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fbinpaint_mm.benchmark.fresh_process import call_in_process
from fbinpaint_mm.cli.resume import AUTO
from fbinpaint_mm.cli.running import run_training
from fbinpaint_mm.engine.hooks.utils import unwrapped_model
from fbinpaint_mm.fingerprint import config_content, fingerprint, starting_weights
from fbinpaint_mm.training_length import set_max_iters
from fbinpaint_mm.write_file import write_file

CONFIG, LOG, PROGRESS = 'config.py', 'log.txt', 'progress.json'
# What a clock counts -> where a checkpoint keeps it.
CHECKPOINT_KEYS = dict(seconds='training_seconds', cpu_seconds='training_cpu_seconds')
CHECKPOINTS = 4  # so many are written in the course of a training, to resume from
SHOWN_DIGITS = 8  # of a hash: enough to tell the files of one benchmark apart


class Training:
    """One training: of one entry, for one number of iterations, with one seed.

    Args:
        cfg: From ``scale_training``.
        folder: Its work directory is ``<folder>_<begin of the fingerprint>``: another training
            never finds its checkpoints. One that was interrupted is resumed, a finished one is not
            repeated.
        device: ``'cpu'`` hides the GPUs from it.

    Attributes:
        fingerprint: Of all settings, the weights it starts from, and the device.
        folder: The work directory.
    """

    def __init__(self, cfg: Config, folder: Path, device: str) -> None:
        self.cfg = cfg
        self.device = device
        hashes = list(starting_weights(cfg).values())
        self.fingerprint = fingerprint(config_content(cfg), hashes, device)
        self.folder = folder.with_name(f'{folder.name}_{self.fingerprint[:8]}')

    @property
    def iterations(self) -> int:
        """Number of iterations."""
        return self.cfg.train_cfg.max_iters

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint: the one that counts, whatever its scores."""
        return self.folder / f'iter_{self.iterations}.pth'

    @property
    def done(self) -> int:
        """Number of iterations that an earlier call has made."""
        return read_progress(self.folder)['iteration']

    @property
    def is_finished(self) -> bool:
        """Whether the last checkpoint is there, whole."""
        return self.done == self.iterations and self.checkpoint.is_file()

    def run(self, advance: Callable[[int], None] = lambda iteration: None) -> dict[str, float]:
        """Train to the end.

        Args:
            advance: Gets the number of iterations that are done, now and then.

        Returns:
            ``iterations``, and ``seconds`` and ``cpu_seconds`` spent on them, as far as they are
            known, those of interrupted parts included; see ``TrainingClockHook``.

        Raises:
            ChildProcessError: The training failed; the message has its error and names its log.
        """
        if not self.is_finished:
            config = self.folder / CONFIG
            self.folder.mkdir(parents=True, exist_ok=True)
            self.cfg.dump(str(config))
            call_in_process(
                partial(run_training, str(config), str(self.folder), resume=AUTO),
                log=self.folder / LOG,
                device=self.device,
                watch=lambda: advance(self.done),
            )
        advance(self.iterations)
        progress = read_progress(self.folder)
        spent = {key: progress[key] for key in CHECKPOINT_KEYS if progress.get(key) is not None}
        return dict(iterations=self.iterations, **spent)


def describe_starts(cfg: Config) -> list[dict[str, str]]:
    """The checkpoint files that a training starts from, as a report shows them.

    Returns:
        For each file ``checkpoint``, the last two parts of its path, and ``sha256``, the first
        eight digits of its hash.
    """
    return [
        dict(checkpoint='/'.join(Path(name).parts[-2:]), sha256=digest[:SHOWN_DIGITS])
        for name, digest in starting_weights(cfg).items()
    ]


def read_progress(folder: Path) -> dict[str, Any]:
    """What ``TrainingClockHook`` wrote last; ``iteration`` is 0 at first."""
    path = folder / PROGRESS
    return json.loads(path.read_text()) if path.is_file() else dict(iteration=0)


def read_clocks() -> dict[str, float]:
    """Seconds by ``CHECKPOINT_KEYS``: elapsed, and those of all threads of this process."""
    return dict(seconds=perf_counter(), cpu_seconds=process_time())


@HOOKS.register_module()
class TrainingClockHook(Hook):
    """Writes ``progress.json`` into the work directory: ``iteration`` done, and what was spent.

    ``seconds`` are elapsed time from the first iteration on: data, model and checkpoints, not the
    start of the process; ``cpu_seconds`` the CPU time of the process meanwhile, without that of
    workers that load data. They are kept in checkpoints: a resumed training goes on counting,
    without the time of iterations that were lost. What an older checkpoint lacks stays ``None``.

    It also sets ``cur_iter``, by which mmagic's inpaintors follow their phases and which their
    checkpoints do not keep.

    Args:
        interval: Seconds between two writings; the last iteration is always written.
    """

    priority = 'LOWEST'

    def __init__(self, interval: float = 0.5) -> None:
        self.interval = interval
        self.spent: dict[str, float | None] = dict.fromkeys(CHECKPOINT_KEYS, 0.0)
        self._since = read_clocks()
        self._written = self._since['seconds']

    def before_train(self, runner: Runner) -> None:
        """Start the clock, at zero unless the training is resumed."""
        model = unwrapped_model(runner.model)
        if runner.iter == 0:
            self.spent = dict.fromkeys(CHECKPOINT_KEYS, 0.0)
        elif hasattr(model, 'cur_iter'):
            model.cur_iter += runner.iter
        self._since = read_clocks()
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
        if last or self._since['seconds'] - self._written >= self.interval:
            self._write(runner, runner.iter + 1)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the seconds."""
        self._update()
        checkpoint.update({name: self.spent[key] for key, name in CHECKPOINT_KEYS.items()})

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Go on counting where the checkpoint was saved."""
        self.spent = {key: checkpoint.get(name) for key, name in CHECKPOINT_KEYS.items()}

    def _update(self) -> None:
        now = read_clocks()
        for key, before in self.spent.items():
            if before is not None:
                self.spent[key] = before + now[key] - self._since[key]
        self._since = now

    def _write(self, runner: Runner, iteration: int) -> None:
        self._written = self._since['seconds']
        progress = dict(iteration=iteration, **self.spent)
        write_file(Path(runner.work_dir) / PROGRESS, json.dumps(progress))


def scale_training(cfg: Config, iterations: int, seed: int) -> Config:
    """The config of a training of so many iterations, every schedule in proportion.

    There is no validation: the last checkpoint counts, and none is chosen by its scores.

    Args:
        cfg: The whole config, for its own number of iterations; left as it is.
        iterations: Number of iterations, at least 1.
        seed: For ``randomness``.

    Returns:
        A new config.

    Raises:
        UserError: See :func:`set_max_iters`.
    """
    cfg = deepcopy(cfg)
    set_max_iters(cfg, iterations)
    remove_validation(cfg)
    set_checkpoints(cfg, iterations)
    add_clock(cfg)
    cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': seed}
    return cfg


def remove_validation(cfg: Config) -> None:
    """Trains without validation, in place; mmengine wants all of its parts or none."""
    cfg.update(val_dataloader=None, val_evaluator=None, val_cfg=None)
    for key in ('val_interval', 'val_begin', 'dynamic_intervals'):
        cfg.train_cfg.pop(key, None)


def set_checkpoints(cfg: Config, iterations: int) -> None:
    """Keeps the newest checkpoint, in the work directory, in place."""
    hooks = cfg.setdefault('default_hooks', {})
    hooks['checkpoint'] = dict(
        type='WholeCheckpointHook',
        by_epoch=False,
        interval=max(1, iterations // CHECKPOINTS),
        max_keep_ckpts=1,
    )


def add_clock(cfg: Config) -> None:
    """Adds ``TrainingClockHook``, in place."""
    imports = cfg.get('custom_imports') or {}
    modules = imports.get('imports', [])
    modules = [modules] if isinstance(modules, str) else list(modules)
    cfg.custom_imports = dict(imports, imports=[*modules, __name__])
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), dict(type='TrainingClockHook')]
