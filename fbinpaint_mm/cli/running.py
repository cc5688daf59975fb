"""Trains and tests what a config says, in one process or a launched group of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mmengine
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch import distributed

from fbinpaint_mm import compat
from fbinpaint_mm.checkpoint import (
    check_checkpoint,
    check_finite_weights,
    check_fits,
    check_fits_in_part,
    meta_of,
    trained_classes,
)
from fbinpaint_mm.cli.resume import AUTO, DropConfigTextHook, check_work_dir, set_resume
from fbinpaint_mm.config_checks import check_loaders, wrong_number
from fbinpaint_mm.config_file import read_config
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.engine import (
    DivergedTrainingError,
    InterruptHook,
    QuietRunner,
    check_counterparts,
)
from fbinpaint_mm.engine.hooks.utils import unwrapped_model
from fbinpaint_mm.evaluation.metrics.map_metric import check_classes
from fbinpaint_mm.evaluation.protocol import protocol_of_loop
from fbinpaint_mm.evaluation.score_series import check_finite
from fbinpaint_mm.folder_lock import locked_folder
from fbinpaint_mm.optimizer_settings import (
    drop_idle_optimizers,
    enable_amp,
    enable_auto_scale_lr,
)
from fbinpaint_mm.pretrained import checkpoint_of, needed_checkpoint
from fbinpaint_mm.safe_loading import loading
from fbinpaint_mm.training_length import check_length, length_warning
from fbinpaint_mm.user_error import INTERRUPTED, UserError, errors_for_users
from fbinpaint_mm.write_file import FULL, check_output_file, check_writable, write_file

# Variables of the environment that number the processes of a launcher.
RANKS = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')


def run_training(
    config: str,
    work_dir: str | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    launcher: str = 'none',
    resume: str | None = None,
    amp: bool = False,
    amp_dtype: str | None = None,
    auto_scale_lr: bool = False,
    trust_checkpoint: bool = False,
) -> None:
    """Trains a model; the first Ctrl-C ends it after the iteration.

    Args:
        config: Path or name of the config, or name of a trained model, which then learns more.
        work_dir: See `load_run_config`, as the next two.
        cfg_options: Settings that replace those of the config.
        launcher: How several processes were started.
        resume: 'auto' to continue from the newest checkpoint of the work directory, or a
            checkpoint.
        amp: Whether to train in mixed precision.
        amp_dtype: See `enable_amp`.
        auto_scale_lr: Whether to scale learning rates to the real batch size.
        trust_checkpoint: Whether checkpoints may run programs, see
            `fbinpaint_mm.safe_loading.loading`.

    Raises:
        SystemExit: With one sentence for the user, after a mistake in what was asked for, after a
            training that diverged, or with status 130 after an interruption.
    """
    try:
        with errors_for_users('train.py'), loading(trust_checkpoint):
            cfg = load_run_config(config, _with_weights(config, cfg_options), work_dir, launcher)
            if amp:
                enable_amp(cfg, amp_dtype)
            if auto_scale_lr:
                enable_auto_scale_lr(cfg)
            check_length(cfg)
            if resume is None and cfg.get('resume'):
                resume = cfg.get('load_from') or AUTO
            if resume not in (None, AUTO):
                check_checkpoint(resume)
            with _only_run(cfg, resume), mistakes_in_settings(cfg):
                if resume is not None:
                    set_resume(cfg, resume)
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
    checkpoint: str | None = None,
    out: str | None = None,
    work_dir: str | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    launcher: str = 'none',
    trust_checkpoint: bool = False,
) -> None:
    """Tests a checkpoint and reports its scores.

    Args:
        config: Path or name of the config that the checkpoint was trained with, or name of a
            trained model.
        checkpoint: Path or address; ``None`` for that of the trained model.
        out: File to write the scores to, see `SaveScoresHook`.
        work_dir: See `load_run_config`, as the next two.
        cfg_options: Settings that replace those of the config.
        launcher: How several processes were started.
        trust_checkpoint: Whether checkpoints may run programs, see
            `fbinpaint_mm.safe_loading.loading`.

    Raises:
        SystemExit: With one sentence for the user, after a mistake in what was asked for, or at the
            end, the file written, where a score is nan or infinite.
    """
    with errors_for_users('test.py'), loading(trust_checkpoint):
        checkpoint = needed_checkpoint(config, checkpoint)
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
        UserError: Nothing would read an option, a setting is a text in place of a number, or a data
            loader cannot be, see `check_loaders`.
    """
    cfg = read_config(config, options)
    check_loaders(cfg)
    wrong = wrong_number(cfg)
    if wrong is not None:
        raise UserError(wrong)
    cfg.launcher = launcher
    drop_idle_optimizers(cfg)
    # As text: an option such as work_dir=2026 is a number.
    cfg.work_dir = str(work_dir or cfg.get('work_dir') or Path('work_dirs', Path(config).stem))
    return cfg


def _with_weights(config: str, cfg_options: Mapping[str, Any] | None) -> dict[str, Any]:
    options = dict(cfg_options or {})
    weights = checkpoint_of(config, None)
    if weights is None or options.get('resume'):
        return options
    return dict(load_from=weights, feedback_ramp=1) | options  # its feedback acts in full


@contextmanager
def _only_run(cfg: Config, resume: str | None) -> Iterator[None]:
    """Holds the work directory for this run, whose first process answers for all."""
    if int(os.environ.get(RANKS.get(cfg.launcher, ''), 0)) > 0:
        yield
        return
    work_dir = Path(cfg.work_dir)
    check_writable(work_dir, '--work-dir')
    with locked_folder(work_dir):
        check_work_dir(work_dir, resume)
        try:
            yield
        except OSError as error:
            # Of a log or a table of scores, which do not say what they could not write.
            if error.errno in FULL and error.filename is None:
                raise OSError(error.errno, error.strerror, str(work_dir)) from error
            raise


# Functions of their own, so that no Runner is left when `end_processes` leaves the group.
def _train(cfg: Config) -> None:
    runner = build_runner(cfg)
    for hook in runner.hooks:
        if isinstance(hook, InterruptHook):
            hook.listen()
    check_counterparts(runner)
    _check_start(runner, cfg)
    runner.register_hook(DropConfigTextHook())
    misfit = length_warning(cfg)
    if misfit is not None:
        runner.logger.warning(misfit)
    runner.train()


def _check_start(runner: Any, cfg: Config) -> None:
    """Looks at what mmengine would load as far as it fits, were that nothing."""
    if not cfg.get('load_from'):
        return
    if cfg.get('resume'):
        check_fits(unwrapped_model(runner.model), cfg.load_from)
    else:
        check_fits_in_part(unwrapped_model(runner.model), cfg.load_from)


def _test(cfg: Config, out: str | None) -> None:
    runner = build_runner(cfg)
    check_fits(unwrapped_model(runner.model), cfg.load_from)
    hook = SaveScoresHook(out)
    runner.register_hook(hook)
    runner.test()
    check_finite(hook.scores)


class SaveScoresHook(Hook):
    """Keeps the scores when the test has ended, and writes them and what each measures to a file.

    The file holds ``scores`` (name -> value) and ``protocol`` (metric -> unit, data range, ...).

    Args:
        path: File to write; its suffix decides the format: .json, .yaml, .yml or .pkl. ``None``
            for no file.

    Attributes:
        scores: Name of each score -> its value.
    """

    priority = 'LOWEST'

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.scores: dict[str, float] = {}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuses scores of maps by a model of other classes, see `check_classes`."""
        check_classes(trained_classes(meta_of(checkpoint)), runner.test_loop)

    def before_test_epoch(self, runner: Runner) -> None:
        """Refuses weights that are not finite, of which a map of class 0 would tell nothing."""
        model = unwrapped_model(runner.model)
        check_finite_weights(getattr(model, 'generator', model), str(runner.cfg.load_from))

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Keeps the scores; writes the file in the first process only.

        Args:
            runner: The Runner of the test.
            metrics: Scores by name; numbers of numpy or torch become plain ones.
        """
        self.scores = {
            name: value.item() if hasattr(value, 'item') else value
            for name, value in (metrics or {}).items()
        }
        if self.path is not None and runner.rank == 0:
            content = {'scores': self.scores, 'protocol': protocol_of_loop(runner.test_loop)}
            path = Path(self.path)
            write_file(path, mmengine.dump(content, file_format=path.suffix.lstrip('.')))


def build_runner(cfg: Config) -> Any:
    """Builds the Runner of a config, for a single process or a launched group of them.

    Args:
        cfg: The whole config.

    Returns:
        A `QuietRunner`, or what the config's ``runner_type`` names.
    """
    compat.init_cpu_distributed(cfg)
    return RUNNERS.build(cfg) if 'runner_type' in cfg else QuietRunner.from_cfg(cfg)


def end_processes() -> None:
    """Ends the group of processes, all of them together; a single process has none."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        compat.end_process_group()
