"""Continuing an earlier run: from which checkpoint, and with which settings changed."""

from __future__ import annotations

import ast
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from fbinpaint_mm.checkpoint import resume_problem
from fbinpaint_mm.fingerprint import local_file
from fbinpaint_mm.safe_loading import UntrustedCheckpointError, read_checkpoint
from fbinpaint_mm.user_error import UserError, in_one_line

AUTO = 'auto'
# What a training depends on. With other parts, or other parameters that learn, the state of the
# optimizers does not fit; with other data, length or hooks it is another training from here on.
COMPARED = (
    *('model', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'custom_hooks', 'randomness'),
    *('train_dataloader', 'val_dataloader', 'val_evaluator'),
)
NOTHING = 'nothing'
LONGEST_VALUE, MOST_LINES = 80, 20  # characters; lines that name changes


class DropConfigTextHook(Hook):
    """Drops from a checkpoint, once it is read, the text that mmengine would run as a config.

    Checkpoints of mmengine have none under this name; those of its predecessor have, and any file
    that somebody has made may.
    """

    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Drops it; ``Runner.resume`` looks at it next.

        Args:
            runner: Of the run.
            checkpoint: Changed in place.
        """
        (checkpoint.get('meta') or {}).pop('config', None)


def set_resume(cfg: Config, resume: str) -> None:
    """Makes a run continue an earlier one, and says what it continues.

    Settings that have changed since are named in warnings: they may be meant, but a variable of the
    shell that is no longer set changes which parameters learn, and the state of the optimizer then
    does not fit.

    Args:
        cfg: Changed in place; its ``work_dir`` is searched.
        resume: 'auto' for the newest checkpoint of the work directory, or a checkpoint. One given
            by its address is left to mmengine.

    Raises:
        UserError: The given checkpoint cannot be continued from, see `check_resumable`, or is of a
            later iteration than the last of this training.
    """
    found = find_newest_checkpoint(Path(cfg.work_dir)) if resume == AUTO else local_file(resume)
    if resume == AUTO and found is None:
        _warn(f'no whole checkpoint in {cfg.work_dir}, training starts from the beginning')
        cfg.resume = False
        return
    if resume != AUTO and found is not None:
        check_resumable(found)
    # mmengine would resume from a load_from of the config, not from the newest checkpoint.
    cfg.load_from, cfg.resume = resume if found is None else str(found), True
    print_log(f'--resume: continuing from {cfg.load_from}.', logger='current')
    if found is not None:
        _check_length_left(found, cfg)
        changes = changed_settings(found, cfg)
        more = len(changes) - MOST_LINES
        for change in [*changes[:MOST_LINES], *([f'{more} more have changed'] if more > 0 else [])]:
            _warn(change)


def check_work_dir(work_dir: Path, resume: str | None) -> None:
    """Makes sure that two runs do not mix their checkpoints in one folder.

    Args:
        work_dir: Folder of the run that is to begin.
        resume: As of `set_resume`; None for a run from the beginning.

    Raises:
        UserError: The folder has checkpoints, and they are not those that the run continues.
    """
    found = _checkpoints(work_dir)
    if not found or resume == AUTO:
        return
    held = f'work directory {str(work_dir)!r} holds a run that has saved {found[0].name}'
    if resume is None:
        raise UserError(f'{held}: go on with --resume, or give another folder with --work-dir')
    if Path(resume).resolve().parent not in {path.resolve().parent for path in found}:
        raise UserError(
            f'{held}, and {resume!r} is from elsewhere: give another folder with --work-dir'
        )


def _check_length_left(checkpoint: Path, cfg: Config) -> None:
    """Says that nothing is left to train, or raises where even less is asked for."""
    train_cfg, meta = cfg.get('train_cfg') or {}, read_checkpoint(checkpoint, mmap=True)['meta']
    unit = 'epoch' if 'max_epochs' in train_cfg else 'iter'
    done, planned = meta.get(unit, 0), train_cfg.get(f'max_{unit}s', math.inf)
    told = f'{checkpoint} has done {done}, train_cfg.max_{unit}s is {planned}'
    if done > planned:
        setting = 'max_iters' if unit == 'iter' else 'train_cfg.max_epochs'
        more = f'ask for more than {done} with --cfg-options {setting}=NUMBER'
        raise UserError(f'--resume: nothing left to train: {told}; {more}')
    if done == planned:
        _warn(f'nothing left to train, only a validation if it is missing: {told}')


def check_resumable(checkpoint: Path) -> None:
    """Makes sure that a run can go on from a checkpoint.

    Args:
        checkpoint: The file.

    Raises:
        UserError: It is cut off, damaged or without training state. The message names the newest
            whole checkpoint beside it.
    """
    problem = resume_problem(checkpoint)
    if problem is None:
        return
    try:
        newest = find_newest_checkpoint(checkpoint.parent)
        hint = 'No whole one is beside it'
        if newest is not None:
            hint = f'The newest whole one beside it is {newest}'
    except UntrustedCheckpointError:  # of a file that the user has not named
        hint = 'What is beside it is not trusted either'
    raise UserError(f'--resume: cannot continue from {str(checkpoint)!r}: {problem}. {hint}.')


def find_newest_checkpoint(work_dir: Path) -> Path | None:
    """Newest whole checkpoint of an earlier run, also where the folder has been moved since.

    Args:
        work_dir: Folder of the run. mmengine writes the newest one's path into the file
            ``last_checkpoint`` in it. A warning names every newer file that is not whole.

    Returns:
        The file, or None if there is none.
    """
    for path in _checkpoints(work_dir):
        problem = resume_problem(path)
        if problem is None:
            return path
        _warn(f'{path} is passed over: {problem}')
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


def _warn(text: str) -> None:
    print_log(f'--resume: {text}.', logger='current', level=logging.WARNING)


def changed_settings(checkpoint: Path, cfg: Config) -> list[str]:
    """Settings that are not those which a checkpoint was trained with, as far as they matter.

    Args:
        checkpoint: A local checkpoint of mmengine's ``Runner``, whose ``meta`` has the config as
            text. It is only read: what it says is not run.
        cfg: The config of now.

    Returns:
        A line for each, such as ``'model.generator.freeze_initial: True then, False now'``, in
        alphabetical order; ``nothing`` stands for a key that is not there. What a list builds has
        its type for a key: ``custom_hooks.FeedbackHook.ramp``. Empty for a checkpoint without a
        config; one line that says why if it cannot be read.
    """
    try:
        then = read_checkpoint(checkpoint, mmap=True).get('meta', {}).get('cfg')
        if not isinstance(then, str):
            return []
        old, new = (dict(_leaves(_settings(text))) for text in (then, cfg.pretty_text))
    except Exception as error:  # what only warns must not end the run that it is for
        return [f'the settings of the run could not be read: {in_one_line(error)}']
    told = {key: (old.get(key, NOTHING), new.get(key, NOTHING)) for key in {*old, *new}}
    return [
        f'{key}: {_short(was)} then, {_short(is_)} now'
        for key, (was, is_) in sorted(told.items())
        if was != is_
    ]


def _short(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else f'{value[:LONGEST_VALUE]}...'


def _settings(text: str) -> dict[str, Any]:
    """The compared settings in the text of a config, as mmengine writes it."""
    found = {
        target.id: _value(line.value)
        for line in ast.parse(text).body
        if isinstance(line, ast.Assign)
        for target in line.targets
        if isinstance(target, ast.Name)
    }
    return {key: found.get(key) for key in COMPARED}


def _value(node: ast.expr) -> Any:
    """A value that is written in Python; what is no plain value, such as ``inf``, stays text."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == 'dict':
        # With names that are no words, mmengine writes dict({'a.b': 1}).
        inner = {key: value for one in node.args for key, value in _value(one).items()}
        return inner | {word.arg: _value(word.value) for word in node.keywords}
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {key and _value(key): _value(value) for key, value in pairs}
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(one) for one in node.elts]
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def _leaves(settings: Any, name: str = '') -> Iterator[tuple[str, str]]:
    """Dotted names, and values as text; a list is one value, but for one of things to build."""
    if isinstance(settings, list) and settings:
        settings = _by_type(settings) or settings
    if isinstance(settings, dict) and settings:
        for key, value in settings.items():
            yield from _leaves(value, f'{name}.{key}' if name else str(key))
    else:
        yield name, repr(_plain(settings))


def _by_type(items: list) -> dict[str, Any] | None:
    """Settings of hooks, transforms, schedulers by their types, numbered where one comes again."""
    if not all(isinstance(one, dict) and 'type' in one for one in items):
        return None
    named: dict[str, Any] = {}
    for one in items:
        kind = str(one['type'])
        number = sum(name.partition('#')[0] == kind for name in named)
        named[f'{kind}#{number + 1}' if number else kind] = one
    return named


def _plain(value: Any) -> Any:
    """A value as it may be written too: a tuple as a list, 1.0 as 1, at any depth."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
