"""Continuing an earlier run: from which checkpoint, and with which settings changed."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from fbinpaint_mm.checkpoint import resume_problem
from fbinpaint_mm.safe_loading import read_checkpoint
from fbinpaint_mm.user_error import UserError, in_one_line

AUTO = 'auto'
# What the state in a checkpoint belongs to: other parts, or other parameters that learn, and the
# state of the optimizers does not fit.
COMPARED = ('model', 'optim_wrapper')
NOTHING = 'nothing'


def set_resume(cfg: Config, resume: str) -> None:
    """Makes a run continue an earlier one, and says what it continues.

    Settings of model and optimizers that have changed since are named in warnings: they may be
    meant, but a variable of the shell that is no longer set changes which parameters learn, and
    the state of the optimizer then does not fit.

    Args:
        cfg: Changed in place; its ``work_dir`` is searched.
        resume: 'auto' for the newest checkpoint of the work directory, or a checkpoint. One given
            by its address is left to mmengine.

    Raises:
        UserError: The given checkpoint cannot be continued from, see `check_resumable`.
    """
    is_local = '://' not in resume
    if resume != AUTO and is_local:
        check_resumable(Path(resume))
    checkpoint = find_newest_checkpoint(Path(cfg.work_dir)) if resume == AUTO else resume
    if checkpoint is None:
        _warn(f'no whole checkpoint in {cfg.work_dir}, training starts from the beginning')
        return
    # mmengine would resume from a load_from of the config, not from the newest checkpoint.
    cfg.load_from, cfg.resume = str(checkpoint), True
    print_log(f'--resume: continuing from {checkpoint}.', logger='current')
    for change in changed_settings(Path(checkpoint), cfg) if is_local else ():
        _warn(change)


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
    newest = find_newest_checkpoint(checkpoint.parent)
    hint = f'The newest whole one beside it is {newest}' if newest else 'No whole one is beside it'
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
    """Settings of model and optimizers that are not those which a checkpoint was trained with.

    Args:
        checkpoint: A local checkpoint of mmengine's ``Runner``, whose ``meta`` has the config as
            text. It is only read: what it says is not run.
        cfg: The config of now.

    Returns:
        A line for each, such as ``'model.generator.freeze_initial: True then, False now'``, in
        alphabetical order; ``nothing`` stands for a key that is not there. Empty for a checkpoint
        without a config; one line that says why if it cannot be read.
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
        f'{key}: {was} then, {is_} now' for key, (was, is_) in sorted(told.items()) if was != is_
    ]


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
    """Dotted names, and values as text; a list or tuple is one value."""
    if isinstance(settings, dict) and settings:
        for key, value in settings.items():
            yield from _leaves(value, f'{name}.{key}' if name else str(key))
    else:
        yield name, repr(_plain(settings))


def _plain(value: Any) -> Any:
    """A value as it may be written too: a tuple as a list, 1.0 as 1, at any depth."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
