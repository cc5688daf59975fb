"""Trains and tests what a config says, in one process or a launched group of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mmengine
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch import distributed, nn

from fbinpaint_mm import compat
from fbinpaint_mm.checkpoint import check_checkpoint, check_fits, check_fits_in_part
from fbinpaint_mm.cli.resume import AUTO, set_resume
from fbinpaint_mm.config_file import read_config
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.engine import DivergedTrainingError, InterruptHook
from fbinpaint_mm.evaluation.protocol import protocol_of_loop
from fbinpaint_mm.optimizer_settings import (
    drop_idle_optimizers,
    enable_amp,
    enable_auto_scale_lr,
)
from fbinpaint_mm.user_error import INTERRUPTED, errors_for_users
from fbinpaint_mm.write_file import check_output_file


def run_training(
    config: str,
    work_dir: str | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    launcher: str = 'none',
    resume: str | None = None,
    amp: bool = False,
    amp_dtype: str | None = None,
    auto_scale_lr: bool = False,
) -> None:
    """Trains a model; the first Ctrl-C ends it after the iteration.

    Args:
        config: Path or name of the config.
        work_dir: See `load_run_config`, as the next two.
        cfg_options: Settings that replace those of the config.
        launcher: How several processes were started.
        resume: 'auto' to continue from the newest checkpoint of the work directory, or a
            checkpoint.
        amp: Whether to train in mixed precision.
        amp_dtype: See `enable_amp`.
        auto_scale_lr: Whether to scale learning rates to the real batch size.

    Raises:
        SystemExit: With one sentence for the user, after a mistake in what was asked for, after a
            training that diverged, or with status 130 after an interruption.
    """
    try:
        with errors_for_users('train.py'):
            if resume not in (None, AUTO):
                check_checkpoint(resume)
            cfg = load_run_config(config, cfg_options, work_dir, launcher)
            if amp:
                enable_amp(cfg, amp_dtype)
            if auto_scale_lr:
                enable_auto_scale_lr(cfg)
            if resume is not None:
                set_resume(cfg, resume)
            with mistakes_in_settings(cfg):
                _train(cfg)
    except DivergedTrainingError as error:
        # Other processes may know nothing of it, or be in the middle of an iteration: here and
        # below none is waited for. What had to be saved is whole.
        sys.exit(str(error))
    except KeyboardInterrupt as interrupt:
        print(f'Interrupted: {interrupt}', file=sys.stderr)
        sys.exit(INTERRUPTED)
    end_processes()


def run_test(
    config: str,
    checkpoint: str,
    out: str | None = None,
    work_dir: str | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    launcher: str = 'none',
) -> None:
    """Tests a checkpoint and reports its scores.

    Args:
        config: Path or name of the config that the checkpoint was trained with.
        checkpoint: Path or address.
        out: File to write the scores to, see `SaveScoresHook`.
        work_dir: See `load_run_config`, as the next two.
        cfg_options: Settings that replace those of the config.
        launcher: How several processes were started.

    Raises:
        SystemExit: With one sentence for the user, after a mistake in what was asked for.
    """
    with errors_for_users('test.py'):
        check_checkpoint(checkpoint)
        if out is not None:
            check_output_file(Path(out))
        cfg = load_run_config(config, cfg_options, work_dir, launcher)
        cfg.load_from, cfg.resume = checkpoint, False
        with mistakes_in_settings(cfg):
            _test(cfg, out)
    end_processes()


def load_run_config(
    config: str | os.PathLike[str],
    options: Mapping[str, Any] | None = None,
    work_dir: str | None = None,
    launcher: str = 'none',
) -> Config:
    """Reads the config of a run.

    Args:
        config: Path or name, see `fbinpaint_mm.config_file.find_config`.
        options: Settings that replace those of the config, by their dotted names.
        work_dir: Folder of the run; by default that of the config, else ``work_dirs/<its name>``.
        launcher: How several processes were started: 'none', 'pytorch', 'slurm' or 'mpi'.

    Returns:
        The config, ``launcher`` and ``work_dir`` set, without the optimizers of parts that are
        switched off.

    Raises:
        FileNotFoundError: There is no such config.
        UserError: Nothing would read an option.
    """
    cfg = read_config(config, options)
    cfg.launcher = launcher
    drop_idle_optimizers(cfg)
    if work_dir or cfg.get('work_dir') is None:
        cfg.work_dir = work_dir or str(Path('work_dirs', Path(config).stem))
    return cfg


# Functions of their own, so that no Runner is left when `end_processes` leaves the group.
def _train(cfg: Config) -> None:
    runner = build_runner(cfg)
    for hook in runner.hooks:
        if isinstance(hook, InterruptHook):
            hook.listen()
    _check_start(runner, cfg)
    runner.train()


def _check_start(runner: Any, cfg: Config) -> None:
    """Looks at what mmengine would load as far as it fits, were that nothing."""
    if not cfg.get('load_from'):
        return
    if cfg.get('resume'):
        check_fits(_model_of(runner), cfg.load_from)
    else:
        check_fits_in_part(_model_of(runner), cfg.load_from)


def _test(cfg: Config, out: str | None) -> None:
    runner = build_runner(cfg)
    check_fits(_model_of(runner), cfg.load_from)
    if out is not None:
        runner.register_hook(SaveScoresHook(out))
    runner.test()


def _model_of(runner: Any) -> nn.Module:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


class SaveScoresHook(Hook):
    """Writes the scores, and what each of them measures, to a file when the test has ended.

    The file holds ``scores`` (name -> value) and ``protocol`` (metric -> unit, data range, ...).

    Args:
        path: File to write; its suffix decides the format: .json, .yaml, .yml or .pkl.
    """

    priority = 'LOWEST'

    def __init__(self, path: str) -> None:
        self.path = path

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Writes the file, in the first process only.

        Args:
            runner: The Runner of the test.
            metrics: Scores by name; numbers of numpy or torch become plain ones.
        """
        if runner.rank != 0:
            return
        scores = {
            name: value.item() if hasattr(value, 'item') else value
            for name, value in (metrics or {}).items()
        }
        mmengine.dump({'scores': scores, 'protocol': protocol_of_loop(runner.test_loop)}, self.path)


def build_runner(cfg: Config) -> Any:
    """Builds the Runner of a config, for a single process or a launched group of them.

    Args:
        cfg: The whole config.

    Returns:
        mmengine's Runner, or what the config's ``runner_type`` names.
    """
    compat.init_cpu_distributed(cfg)
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


def end_processes() -> None:
    """Ends the group of processes, all of them together; a single process has none."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        compat.end_process_group()
