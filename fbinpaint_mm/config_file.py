"""Finding and reading a config file, with a user's settings instead of its own."""

from __future__ import annotations

import contextlib
import difflib
import inspect
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from fbinpaint_mm.config_checks import check_unchecked, is_number
from fbinpaint_mm.config_mistakes import mistakes_in_file
from fbinpaint_mm.pretrained import is_pretrained, pretrained_config, pretrained_names
from fbinpaint_mm.setting_names import named_settings, near_names
from fbinpaint_mm.training_length import set_feedback_ramp, set_max_iters
from fbinpaint_mm.user_error import UserError

PACKAGE = Path(__file__).resolve().parent
VARIABLES = 'FBINPAINT_'  # begin of the names of our environment variables
# What a Runner reads from its config, but does not take as a parameter; and what chooses one.
RUNNER_KEYS = (
    *('activation_checkpointing', 'compile', 'efficient_conv_bn_eval', 'find_unused_parameters'),
    *('model_wrapper_cfg', 'runner_type', 'sync_bn'),
    *('init_weights_for_test_or_val', 'strategy'),  # of mmengine's FlexibleRunner
)
# What the processes read that the benchmark starts: each gets the whole config in a file.
CONFIG_FILE_KEYS = ('custom_imports',)
# Lengths that settings in several places follow: what sets each, in this order, and the least.
LENGTHS = dict(max_iters=(set_max_iters, 1), feedback_ramp=(set_feedback_ramp, 0))


def configs_folder() -> Path:
    """Folder of the package's configs.

    Returns:
        ``fbinpaint_mm/.mim/configs`` of an installed wheel, or ``configs`` beside the package in a
        clone of the repository.

    Raises:
        FileNotFoundError: There is neither.
    """
    candidates = [PACKAGE / '.mim' / 'configs', PACKAGE.parent / 'configs']
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f'{PACKAGE.name} has no configs: neither {candidates[0]} nor {candidates[1]} is there. '
        'Install it from a wheel or as an editable clone.'
    )


def find_config(name: str | os.PathLike[str], others: Iterable[str] = ()) -> Path:
    """File of a config.

    Args:
        name: Path of a file; name of one of the package's configs, with or without its folder and
            ``.py``: ``fbinpaint_demo``, ``ablations/one_way_demo.py``; or of a trained model, see
            `fbinpaint_mm.pretrained`.
        others: Names that might have been meant although they are no configs.

    Returns:
        The file.

    Raises:
        FileNotFoundError: It is neither, or several configs have this name. The message names
            those with a similar name, or their folder.
    """
    if is_pretrained(name):
        return configs_folder() / pretrained_config(str(name))
    if Path(name).is_file():
        return Path(name)
    folder, wanted = configs_folder(), Path(str(name).removesuffix('.py'))
    # Those in `_base_` are only parts, and found by their whole path.
    paths = [path.with_suffix('') for path in sorted(folder.rglob('*.py'))]
    runnable = [path for path in paths if '_base_' not in path.parts]
    found = [path for path in runnable if path.parts[-len(wanted.parts) :] == wanted.parts]
    if len(found) == 1:
        return found[0].with_suffix('.py')
    names = {path.relative_to(folder).as_posix(): path.name for path in runnable}
    names.update({other: other for other in (*others, *pretrained_names())})
    close = difflib.get_close_matches(wanted.name, names.values(), n=5, cutoff=0.5)
    listed = [key for one in dict.fromkeys(close) for key, stem in names.items() if stem == one]
    what = 'is a folder, no file,' if str(name) and Path(name).is_dir() else 'is neither a file'
    hint = f'Did you mean: {", ".join(listed)}' if listed else f'They are in {str(folder)!r}'
    raise FileNotFoundError(
        f'config {str(name)!r} {what} nor one of the configs of {PACKAGE.name}, nor of '
        f'its trained models ({", ".join(pretrained_names())}). {hint}'
    )


def find_package_config(name: str) -> Path:
    """File of a config of this package, by its name below the folder of configs.

    Raises:
        FileNotFoundError: As `find_config`.
    """
    return find_config(configs_folder() / name)


def read_config(name: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> Config:
    """Reads a config file; an environment variable of ours that is empty counts as unset.

    Note:
        It takes the empty variables whose names begin with ``FBINPAINT_`` out of the environment
        of this process, for good: programs that it starts do not see them either.

    Args:
        name: Of the file, see `find_config`.
        options: Settings that replace those of the config, by their dotted names.

    Returns:
        The config.

    Raises:
        FileNotFoundError: There is no such file.
        UserError: The file, or one that it inherits, cannot be read or is no Python file; nothing
            would read an option, see `merge_options`; or a setting is wrong in a way that a run
            would not notice.
    """
    unset_empty_variables()
    path = find_config(name)
    with mistakes_in_file(path), _variables_unsaid():
        cfg = Config.fromfile(_only_python(path))
    merge_options(cfg, options or {})
    check_unchecked(cfg)
    return cfg


@contextlib.contextmanager
def _variables_unsaid() -> Iterator[None]:
    """Keeps mmengine from naming each variable of the environment, used or not, several times.

    What it became is in the config, which the log file of a run has.
    """
    logger = MMLogger.get_current_instance()
    logger.addFilter(_says_no_variable)
    try:
        yield
    finally:
        logger.removeFilter(_says_no_variable)


def _says_no_variable(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(f'Using env variable `{VARIABLES}')


def _only_python(path: Path) -> Path:
    """The path, if it and all that it inherits are Python: mmengine runs tags in YAML too."""
    if path.suffix != '.py':
        raise UserError(
            f'config {str(path)!r}: found a file with the suffix {path.suffix!r}, expected a '
            "Python file ('.py')"
        )
    # What is missing is left to mmengine, which names it.
    for base in Config._get_base_files(str(path)) if path.is_file() else ():
        _only_python(Path(Config._get_cfg_path(base, str(path))[0]))
    return path


def part_of(cfg: Config, name: str) -> Any:
    """A part that a config must have.

    Args:
        cfg: The whole config, as it was read.
        name: Such as ``'model'``.

    Returns:
        Its settings.

    Raises:
        UserError: There is none.
    """
    if cfg.get(name) is None:
        raise UserError(f'config {cfg.filename!r} has no {name}')
    return cfg[name]


def unset_empty_variables() -> None:
    """Takes empty ones out of the environment of this process; mmengine says they are not set."""
    for name in [key for key, value in os.environ.items() if key.startswith(VARIABLES)]:
        if not os.environ[name]:
            del os.environ[name]


def merge_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Replaces settings of a config, in place.

    Args:
        cfg: The whole config.
        options: Settings by their dotted names; their first part is something that mmengine's
            ``Runner``, or this package, reads from a config. ``max_iters`` is the length of the
            training, which every schedule follows, and ``feedback_ramp`` the number of iterations
            until feedback and teacher act in full.

    Raises:
        UserError: Nothing reads one of them: mmengine would add it, or change a variable that was
            used while the config was read. Or it is a text in place of a number, or a setting of
            something that is switched off, and they do not say what it shall be instead.
    """
    options = dict(options)
    for name, (set_length, least) in LENGTHS.items():
        if name in options:
            set_length(cfg, _natural(name, options.pop(name), least))
    before = dict(named_settings(cfg.to_dict()))
    for name in options:
        _check_is_read(name, cfg)
        _check_is_part(name, before, options[name])
        _make_room(name, cfg, options)
    cfg.merge_from_dict(options)


def _natural(name: str, value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(
            f'option {name!r}: found {value!r}, expected a whole number of {least} or more'
        )
    return value


def _check_is_read(name: str, cfg: Config) -> None:
    known = {*inspect.signature(Runner).parameters, *RUNNER_KEYS, *CONFIG_FILE_KEYS} - {'cfg'}
    key = name.partition('.')[0]
    if key in cfg and key not in known:
        place = _place_of(key, cfg.to_dict(), known)
        raise UserError(
            f'option {name!r}: used only while the config is read; set what it went into'
            + (f', e.g. {place}{name.removeprefix(key)}' if place else '')
        )
    if key not in known:
        known = {*known, *LENGTHS}
        hint = near_names(key, known) or f'Expected one of {", ".join(sorted(known))}'
        raise UserError(
            f'option {name!r}: neither the config nor a run has a setting {key!r}. {hint}'
        )


def _check_is_part(name: str, before: Mapping[str, Any], value: Any) -> None:
    replaced, above = before.get(name), before.get(name.rpartition('.')[0])
    # Of settings with a type, the class knows.
    if is_number(replaced) and isinstance(value, str) and 'type' not in (above or ()):
        raise UserError(f'option {name!r}: found {value!r}, expected a number, as {replaced}')
    is_part = isinstance(replaced, dict) or (isinstance(replaced, list) and '.' not in name)
    if is_part and isinstance(value, (str, int, float)):
        raise UserError(f'option {name!r}: found {value!r}, expected settings, or items of a list')


def _make_room(name: str, cfg: Config, options: Mapping[str, Any]) -> None:
    """Makes settings for what is None where the options say what it shall be.

    All else that has no settings, and items that a list does not have, are mistakes; mmengine would
    speak of inheritance, or of indices.
    """
    parts = name.split('.')
    above: Any = cfg
    for depth, part in enumerate(parts[:-1], 1):
        if not isinstance(above, list) and part not in above:
            return  # something new
        key: Any = int(part) if isinstance(above, list) else part
        place, value = '.'.join(parts[:depth]), above[key]
        if value is None and f'{place}.type' in options:
            above[key] = value = {}
        _check_has(name, parts[depth], place, value)
        above = value


def _check_has(name: str, key: str, place: str, value: Any) -> None:
    if value is None:
        raise UserError(
            f'option {name!r}: {place} is None in this config, and so has no settings; '
            f'give {place}.type too'
        )
    if isinstance(value, list) and not (key.isdigit() and int(key) < len(value)):
        raise UserError(f'option {name!r}: {place} is a list of items 0 to {len(value) - 1}')
    if not isinstance(value, (dict, list)):
        raise UserError(f'option {name!r}: {place} is {value!r}, which has no settings')


def _place_of(key: str, settings: dict[str, Any], known: set[str]) -> str | None:
    """Where a variable of a config file went: a setting of its name, else one of its value."""
    places = [
        place for top in settings if top in known for place in named_settings(settings[top], top)
    ]
    same_name = [name for name, _ in places if name.rpartition('.')[2] == key]
    # Numbers are equal by chance, and so is what is empty.
    value = settings[key] if isinstance(settings[key], (str, dict, list)) else None
    same_value = [name for name, found in places if value and found == value]
    return next(iter(same_name + same_value), None)
