"""What the command-line tools share: arguments, and the changes they make to a config."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import logging
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.logging import print_log

from fbinpaint_mm import compat

PACKAGE = Path(__file__).resolve().parents[1]
CONFIGS = compat.find_configs()
AUTO = 'auto'


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments that training and testing have in common.

    Args:
        parser: Gets ``config``, ``--work-dir``, ``--cfg-options`` and ``--launcher``.
    """
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir',
        help='folder for logs, pictures, checkpoints (default: ./work_dirs/<name of the config>)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='settings that replace those of the config, e.g. train_cfg.max_iters=100 '
        'optim_wrapper.generator.optimizer.lr=1e-4. A list is written key="[a,b]" or key=a,b.',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how several processes were started (default: %(default)s, a single process)',
    )
    # Given by `python -m torch.distributed.launch`; torchrun sets LOCAL_RANK by itself.
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)


def natural(text: str) -> int:
    """A whole number of at least 0, as the type of an argument.

    Raises:
        argparse.ArgumentTypeError: It is negative.
    """
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f'{number} is negative')
    return number


def positive(text: str) -> int:
    """A whole number above 0, as the type of an argument.

    Raises:
        argparse.ArgumentTypeError: It is 0 or negative.
    """
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{number} is not a positive number')
    return number


def parse(parser: argparse.ArgumentParser, argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line and checks that the files it names exist.

    Args:
        parser: A parser that went through `add_common_arguments`.
        argv: The arguments; those of the process by default.

    Returns:
        The arguments. A missing file ends the process with a message instead of a traceback.
    """
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    try:
        check_config_file(args.config)
        for name in ('checkpoint', 'resume'):
            if getattr(args, name, None) not in (None, AUTO):
                check_checkpoint(getattr(args, name))
    except FileNotFoundError as error:
        parser.error(str(error))
    return args


def check_config_file(config: str, others: Iterable[str] = ()) -> None:
    """Makes sure that the config is there.

    Args:
        config: Path of a config file.
        others: Names that might have been meant instead, such as those of methods without config.

    Raises:
        FileNotFoundError: It is not. The message gives configs and others with a similar name, or
            all.
    """
    if Path(config).is_file():
        return
    by_name = {path.stem: _shorten(path) for path in _list_configs(CONFIGS)}
    by_name.update({name: name for name in others})
    if not by_name:
        raise FileNotFoundError(f'config file {config!r} does not exist')
    close = difflib.get_close_matches(Path(config).stem, by_name, n=5, cutoff=0.5)
    listed = [by_name[name] for name in close] or by_name.values()
    raise FileNotFoundError(
        f'config file {config!r} does not exist. '
        f'{"Did you mean" if close else "Available are"}: {", ".join(listed)}'
    )


def find_config(config: str) -> str:
    """The file of a config that is given by its path, or by the name of one of ours.

    Args:
        config: Path of a config file, or such a name: ``fbinpaint_demo``.

    Returns:
        Path of the file.

    Raises:
        FileNotFoundError: There is none. The message names configs with a similar name, or all.
    """
    if config == Path(config).stem:
        named = [path for path in _list_configs(CONFIGS) if path.stem == config]
        if len(named) == 1:
            return str(named[0])
    check_config_file(config)
    return config


def _list_configs(folder: Path) -> list[Path]:
    """The configs that can be run; those in ``_base_`` are only parts."""
    paths = sorted(folder.rglob('*.py'))
    return [path for path in paths if '_base_' not in path.parts]


def _shorten(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def check_checkpoint(checkpoint: str) -> None:
    """Makes sure that a local checkpoint is there; an address is left to mmengine.

    Args:
        checkpoint: Path, or address with a scheme such as ``https://`` or ``open-mmlab://``.

    Raises:
        FileNotFoundError: There is no such file. The message lists the checkpoints beside it.
    """
    if '://' in checkpoint or Path(checkpoint).is_file():
        return
    beside = sorted(Path(checkpoint).parent.glob('*.pth'))
    hint = f' In that folder are: {", ".join(path.name for path in beside)}' if beside else ''
    raise FileNotFoundError(f'checkpoint {checkpoint!r} does not exist.{hint}')


def check_writable(folder: Path) -> None:
    """Makes the output folder, and makes sure that it can be written to.

    Args:
        folder: Where the files shall be.

    Raises:
        OSError: It cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f'--out {str(folder)!r} cannot be made: {error.strerror}') from error
    if not os.access(folder, os.W_OK):
        raise PermissionError(f'--out {str(folder)!r} is not writable')


def check_output_file(path: Path) -> None:
    """Makes the folder of an output file, and makes sure that the file can be written.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be written.
    """
    check_writable(path.parent)
    if path.is_dir():
        raise IsADirectoryError(f'--out {str(path)!r} is a folder')
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(f'--out {str(path)!r} is not writable')


def load_config(args: argparse.Namespace) -> Config:
    """Reads the config and applies the common arguments to it.

    Args:
        args: From `parse`.

    Returns:
        The config with ``--cfg-options`` merged, and ``launcher`` and ``work_dir`` set.

    Raises:
        ValueError: ``--cfg-options`` has a key that nothing reads.
    """
    from fbinpaint_mm.config_file import read_config

    cfg = read_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    drop_idle_optimizers(cfg)
    set_work_dir(cfg, args.work_dir, args.config)
    return cfg


def drop_idle_optimizers(cfg: Config) -> None:
    """Removes the optimizer of a part that is switched off, such as ``model.disc=None``.

    Args:
        cfg: Changed in place.
    """
    wrappers, model = cfg.get('optim_wrapper') or {}, cfg.get('model') or {}
    for name in [key for key in wrappers if key in model and model[key] is None]:
        wrappers.pop(name)


def set_work_dir(cfg: Config, work_dir: str | None, config: str) -> None:
    """Decides where a run is written: command line, else config, else the config's name.

    Args:
        cfg: Changed in place.
        work_dir: From the command line.
        config: Path of the config file.
    """
    if work_dir:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(config).stem))


def set_resume(cfg: Config, resume: str | None) -> None:
    """Makes a run continue an earlier one, and says what it continues.

    Args:
        cfg: Changed in place; its ``work_dir`` is searched.
        resume: None to leave the config alone, 'auto' for the newest checkpoint of the work
            directory, or a checkpoint.

    Raises:
        ValueError: The given checkpoint cannot be continued from, see `check_resumable`.
    """
    if resume is None:
        return
    if resume != AUTO:
        check_resumable(resume)
    checkpoint = find_newest_checkpoint(Path(cfg.work_dir)) if resume == AUTO else resume
    if checkpoint is None:
        _log(
            f'--resume: no whole checkpoint in {cfg.work_dir}, training starts from the beginning.',
            logging.WARNING,
        )
        return
    # mmengine would resume from a load_from of the config, not from the newest checkpoint.
    cfg.load_from, cfg.resume = str(checkpoint), True
    _log(f'--resume: continuing from {checkpoint}.')
    warn_of_changed_settings(cfg)


def warn_of_changed_settings(cfg: Config) -> None:
    """Says which settings of model and optimizers are not those of the run that is continued.

    They may be meant; but a variable of the shell that is no longer set changes which parameters
    learn, and the state of the optimizer then does not fit.

    Args:
        cfg: With the checkpoint as ``load_from``; one given by its address is not looked into.
    """
    from fbinpaint_mm.resumed_settings import changed_settings

    if '://' in cfg.load_from:
        return
    for line in changed_settings(Path(cfg.load_from), cfg):
        _log(f'--resume: {line}.', logging.WARNING)


def check_resumable(checkpoint: str) -> None:
    """Makes sure that a run can go on from a local checkpoint; an address is left to mmengine.

    Args:
        checkpoint: Path, or address with a scheme.

    Raises:
        ValueError: It is cut off, damaged or without training state. The message names the newest
            whole checkpoint beside it.
    """
    from fbinpaint_mm.checkpoint import resume_problem

    problem = None if '://' in checkpoint else resume_problem(Path(checkpoint))
    if problem is None:
        return
    newest = find_newest_checkpoint(Path(checkpoint).parent)
    hint = f'The newest whole one beside it is {newest}' if newest else 'No whole one is beside it'
    raise ValueError(f'--resume: cannot continue from {checkpoint!r}: {problem}. {hint}.')


def find_newest_checkpoint(work_dir: Path) -> Path | None:
    """Newest whole checkpoint of an earlier run, also where the folder has been moved since.

    Args:
        work_dir: Folder of the run. mmengine writes the newest one's path into the file
            ``last_checkpoint`` in it. A warning names every newer file that is not whole.

    Returns:
        The file, or None if there is none.
    """
    from fbinpaint_mm.checkpoint import resume_problem

    for path in _checkpoints(work_dir):
        problem = resume_problem(path)
        if problem is None:
            return path
        _log(f'--resume: {path} is passed over: {problem}.', logging.WARNING)
    return None


def _checkpoints(work_dir: Path) -> list[Path]:
    """Checkpoints from the newest to the oldest.

    The record decides, since a longer run may have left its files in the folder; except over those
    written after it, by a process that was killed before it could say so.
    """
    record = work_dir / 'last_checkpoint'
    recorded = Path(record.read_text(errors='replace').strip()) if record.is_file() else Path()
    numbered = sorted(work_dir.glob('iter_*.pth'), key=_iteration, reverse=True)
    since = record.stat().st_mtime_ns if record.is_file() else 0
    unrecorded = [path for path in numbered if path.stat().st_mtime_ns > since]
    ordered = [*unrecorded, work_dir / recorded.name, recorded, *numbered]
    return [path for path in dict.fromkeys(ordered) if path.is_file()]


def _iteration(checkpoint: Path) -> int:
    number = checkpoint.stem.removeprefix('iter_')
    return int(number) if number.isdigit() else -1


def _log(text: str, level: int = logging.INFO) -> None:
    print_log(text, logger='current', level=level)


def enable_amp(cfg: Config, dtype: str | None = None) -> None:
    """Turns every optimizer wrapper of a config into one with automatic mixed precision.

    Args:
        cfg: Changed in place. ``optim_wrapper`` is one wrapper, or a dict that has wrappers at
            any depth (``generator=dict(...), disc=dict(...)``).
        dtype: 'float16', or 'bfloat16', which needs no scaling of the loss; None for float16 on a
            GPU and bfloat16 on a CPU.

    Raises:
        ValueError: The device does not have this precision, there is no wrapper, or one is of a
            type without a counterpart.
    """
    from mmengine.device import get_device

    device = get_device()
    dtype = dtype or ('bfloat16' if device == 'cpu' else 'float16')
    if device == 'mps' or (device, dtype) == ('cpu', 'float16'):
        raise ValueError(
            f'--amp: mmengine has no mixed precision in {dtype} on {device!r}. '
            + ('Leave the option out.' if device == 'mps' else 'Use --amp-dtype bfloat16.')
        )
    wrappers = list(_find_wrappers(cfg.get('optim_wrapper') or {}, 'optim_wrapper'))
    if not wrappers:
        raise ValueError('--amp: the config has no optim_wrapper with an optimizer.')
    for name, wrapper in wrappers:
        _make_amp(name, wrapper, dtype)


def _find_wrappers(node: dict, name: str) -> Iterator[tuple[str, dict]]:
    """Dicts below ``node`` that have an optimizer, with their dotted names."""
    if 'optimizer' in node:
        yield name, node
        return
    for key, child in node.items():
        if isinstance(child, dict):
            yield from _find_wrappers(child, f'{name}.{key}')


def _make_amp(name: str, wrapper: dict, dtype: str) -> None:
    kind = wrapper.get('type', 'OptimWrapper')
    kind = kind if isinstance(kind, str) else kind.__name__
    if kind not in ('OptimWrapper', 'AmpOptimWrapper', 'BFloat16OptimWrapper'):
        raise ValueError(f'--amp: {name} is of type {kind!r}; only OptimWrapper can be replaced.')
    wrapper.pop('dtype', None)
    if dtype == 'bfloat16':
        wrapper.pop('loss_scale', None)
        wrapper['type'] = 'BFloat16OptimWrapper'
    else:
        wrapper['type'] = 'AmpOptimWrapper'
        wrapper.setdefault('loss_scale', 'dynamic')


def enable_auto_scale_lr(cfg: Config) -> None:
    """Scales learning rates by real batch size / the batch size that the config was made for.

    Args:
        cfg: Changed in place.

    Raises:
        ValueError: The config does not say what batch size it was made for.
    """
    if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
        raise ValueError(
            '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config: '
            'the total batch size that its learning rates were chosen for.'
        )
    cfg.auto_scale_lr.enable = True


def build_runner(cfg: Config) -> Any:
    """Builds the Runner of a config, for a single process or a launched group of them.

    Args:
        cfg: The whole config.

    Returns:
        mmengine's Runner, or what the config's ``runner_type`` names.
    """
    from mmengine.registry import RUNNERS
    from mmengine.runner import Runner

    compat.init_cpu_distributed(cfg)
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


@contextlib.contextmanager
def errors_for_users(tool: str) -> Iterator[None]:
    """Ends the process with a sentence where the tools or the package found a mistake of the user.

    Args:
        tool: Name of the tool, to begin the sentence with.

    Raises:
        SystemExit: In the place of such a ``ValueError`` or ``OSError``; all others stay.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        if not _is_explained(error):
            raise
        sys.exit(f'{tool}: {error}')


def _is_explained(error: Exception) -> bool:
    """Whether a ``raise`` of ours made it; what Python raises in our code is a bug of ours."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    folders = (PACKAGE, PACKAGE.parent / 'tools')
    is_ours = any(folder in Path(last.filename).resolve().parents for folder in folders)
    return is_ours and (last.line or '').startswith('raise')


def end_processes() -> None:
    """Ends the group of processes, all of them together; a single process has none."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        compat.end_process_group()
