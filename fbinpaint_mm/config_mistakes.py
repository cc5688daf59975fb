"""Mistakes in a config, which mmengine raises as whatever error comes up: told in one sentence."""

from __future__ import annotations

import contextlib
import inspect
import re
import textwrap
import traceback
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from types import FrameType
from typing import Any

from mmengine.config import Config
from mmengine.registry import FUNCTIONS, OPTIMIZERS, Registry
from mmengine.runner import Runner

from fbinpaint_mm.config_checks import wrong_number
from fbinpaint_mm.setting_names import named_settings, near_names
from fbinpaint_mm.user_error import TRACEBACK, UserError, in_one_line

UNKNOWN_KEYWORD = re.compile(r"([\w.]+)\(\) got an unexpected keyword argument '(\w+)'")
MISSING_ARGUMENT = re.compile(r'missing \d+ required [\w-]+ arguments?: (.+)')
# Whose types mmengine looks up without asking whether they are there.
UNCHECKED_TYPES = dict(optimizer=OPTIMIZERS, collate_fn=FUNCTIONS, worker_init_fn=FUNCTIONS)
PACKAGE = __name__.partition('.')[0]
RUNNER_PARAMETERS = inspect.signature(Runner).parameters
LONGEST = 300  # characters of another library's message, which may hold the whole config


@contextlib.contextmanager
def mistakes_in_file(path: str | PathLike[str]) -> Iterator[None]:
    """Tells what is wrong in a config file that is read here, or in one that it inherits from.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: A file that it inherits from does not exist.
        UserError: It cannot be read for any other reason. The message names the file, and the line
            where there is one.
    """
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError as error:
        found = f'there is no file {error.filename!r}' if error.filename else str(error)
        raise FileNotFoundError(
            f'config {_file_being_read(error, path)!r}: {found}. One of this package is '
            "inherited from anywhere with _base_ = 'fbinpaint_mm::NAME.py'"
        ) from error
    except Exception as error:  # a config is Python code, which can raise anything
        file = _file_being_read(error, path)
        cause = _unwrapped(error)
        place, line = repr(file), _line_in(file, cause)
        module = _imported_line(cause)
        if module:
            place += f', custom_imports: {module}'
        elif line:
            place += f', line {line}'
        # Python's own text of a syntax error names a file and a line again.
        told = cause.msg if isinstance(cause, SyntaxError) else in_one_line(cause)
        raise UserError(f'config {place}: {told}') from error


def _unwrapped(error: BaseException) -> BaseException:
    """The error that knows the line, which mmengine wraps in another: of syntax, or an import."""
    inner = error.__context__
    if isinstance(error, (SyntaxError, ImportError)) and inner is not None:
        return _unwrapped(inner) if _is_of('mmengine', _frames(error)[-1]) else error
    return error


def _file_being_read(error: BaseException, path: str | PathLike[str]) -> str:
    """The innermost one: mmengine reads the files that a config inherits from within it."""
    names = [
        frame.f_locals.get('filename')
        for frame in _frames(error)
        if frame.f_globals.get('__name__') == Config.__module__
    ]
    read = [name for name in names if isinstance(name, str) and Path(name).is_file()]
    return read[-1] if read else str(path)


def _line_in(file: str, error: BaseException) -> int | None:
    if isinstance(error, SyntaxError):
        return error.lineno
    entries = traceback.extract_tb(error.__traceback__)
    return next((entry.lineno for entry in reversed(entries) if entry.filename == file), None)


def _imported_line(error: BaseException) -> str | None:
    """File and line of a module that could not be imported; None for another error."""
    entries = traceback.extract_tb(error.__traceback__)
    if 'import_modules_from_strings' not in [entry.name for entry in entries]:
        return None
    if isinstance(error, SyntaxError):
        return f'{error.filename!r}, line {error.lineno}'
    module = next((one for one in reversed(entries) if one.name == '<module>'), None)
    return module and f'{module.filename!r}, line {module.lineno}'


@contextlib.contextmanager
def mistakes_in_settings(cfg: Config) -> Iterator[None]:
    """Tells what is wrong in a config, parts of which are built here.

    mmengine builds some parts only when a training starts. So errors of building are told from all
    others by the functions that they come through, not by when they are raised.

    Args:
        cfg: The whole config.

    Raises:
        UserError: A class that the config names is unknown, does not take a setting, misses one, or
            fails on a value; or a checkpoint cannot be continued with it. All other errors pass.
    """
    try:
        yield
    except (UserError, OSError):
        raise
    except Exception as error:  # a constructor can raise anything
        sentence = None if _is_bug(error) else _building_mistake(error, cfg)
        if sentence is None:
            raise
        raise UserError(sentence) from error


def _is_bug(error: Exception) -> bool:
    """Whether it is the code that is wrong, whatever it is given: in a constructor too."""
    ours = [frame for frame in _frames(error) if _is_of(PACKAGE, frame)]
    if isinstance(error, AssertionError):  # ours are of what we believe, others' of what they get
        return ours[-1:] == _frames(error)[-1:]
    if isinstance(error, AttributeError):  # that of another object may be of one in its place
        return error.obj is not None and any(f.f_locals.get('self') is error.obj for f in ours[-1:])
    return isinstance(error, NameError)


def _building_mistake(error: Exception, cfg: Config) -> str | None:
    """The sentence; None for an error that does not come from building what a config says."""
    frames = _frames(error)
    if any(frame.f_code is Runner.resume.__code__ for frame in frames):
        return (
            f'{cfg.load_from!r} cannot be continued with these settings: {_told(error)}. The '
            'warnings above name those that differ; variables such as FBINPAINT_INITIAL must be '
            'set as they were'
        )
    last = next((frame for frame in reversed(frames) if _builds(frame)), None)
    keyword = UNKNOWN_KEYWORD.search(str(error))
    is_passed_on = keyword and not _is_of(PACKAGE, frames[-1])
    if keyword and (last or is_passed_on):
        return _unknown_keyword(keyword[1], keyword[2], frames[-1], last, cfg)
    if last is None:
        return None
    settings, built = _first_settings(last), last.f_locals.get('obj_cls')
    place = _place_of(settings, cfg)
    is_direct = all(_is_lookup(frame) for frame in frames[frames.index(last) + 1 :])
    if is_direct and isinstance(error, KeyError) and built is None:
        registry = last.f_locals.get('registry')
        if registry is None:
            return f'{place or "the config"}: the setting {error} is missing'
        kind = last.f_locals.get('obj_type')
        return _unknown_type(_place_of_name(kind, place, cfg), kind, registry)
    if isinstance(error, KeyError) and not place:  # such as the level of a log
        place = _place_of_name(error.args[0], place, cfg)
    known = _unchecked_type(cfg) or wrong_number(cfg)
    if known:
        return known
    part = f'{place or "the config"}{f" ({built.__name__})" if built else ""}'
    missing = MISSING_ARGUMENT.search(str(error))
    if missing and is_direct:
        return f'{part}: found no {missing[1]}'
    return f'{part} cannot be built: {_told(error)}'


def _told(error: Exception) -> str:
    text = textwrap.shorten(in_one_line(error), LONGEST, placeholder=' ...')
    return f'{text} ({TRACEBACK}=1 shows where)'


def _frames(error: BaseException) -> list[FrameType]:
    return [frame for frame, _ in traceback.walk_tb(error.__traceback__)]


def _is_of(package: str, frame: FrameType) -> bool:
    return frame.f_globals.get('__name__', '').startswith(f'{package}.')


def _is_lookup(frame: FrameType) -> bool:
    return frame.f_globals.get('__name__') in (Config.__module__, 'addict.addict')


def _builds(frame: FrameType) -> bool:
    return _is_of('mmengine', frame) and frame.f_code.co_name.startswith(('build_', 'from_cfg'))


def _first_settings(frame: FrameType) -> dict[str, Any]:
    """What a call was given to build: the first of its arguments that is settings."""
    values = (frame.f_locals.get(name) for name in frame.f_code.co_varnames)
    return dict(next((one for one in values if isinstance(one, (dict, Config))), {}))


def _place_of(settings: dict[str, Any], cfg: Config) -> str:
    """Dotted name of the settings most like some to which defaults may have been added."""
    # Variables of the file, which it left over, after what a run reads.
    read = sorted(cfg.to_dict().items(), key=lambda item: item[0] not in RUNNER_PARAMETERS)
    likeness = {
        place: sum(1 if repr(settings.get(key)) == repr(one) else -1 for key, one in value.items())
        for place, value in named_settings(dict(read))
        if settings and isinstance(value, dict) and value.get('type') == settings.get('type')
    }
    return max(likeness, key=likeness.__getitem__, default='')


def _place_of_name(kind: Any, place: str, cfg: Config) -> str:
    """Of a name that may be that of an optimizer's ``constructor``, or a ``runner_type``."""
    if place and kind is not None:
        return f'{place}.type'
    names = [name for name, value in named_settings(cfg.to_dict()) if value == kind]
    return place or next(iter(names), 'the config')


def _unknown_type(place: str, kind: Any, registry: Registry) -> str:
    what, names, searched = registry.name, set(), registry
    while searched is not None:
        names |= searched.module_dict.keys()
        searched = searched.parent
    if kind is None:
        return f'{place}: found no type, expected the name of a registered {what} as its type'
    hint = near_names(kind, names) or 'For one of your own, custom_imports has to name its module'
    return f'{place}: there is no {what} {kind!r}. {hint}'


def _unchecked_type(cfg: Config) -> str | None:
    for name, value in named_settings(cfg.to_dict()):
        *_, part, key = ('', *name.split('.'))
        registry = UNCHECKED_TYPES.get(part)
        if key == 'type' and registry and isinstance(value, str) and registry.get(value) is None:
            return _unknown_type(name, value, registry)
    return None


def _unknown_keyword(
    called: str, keyword: str, caller: FrameType, builder: FrameType | None, cfg: Config
) -> str | None:
    """The sentence; None if it is not the config that gives the keyword, but a part of it."""
    settings = _first_settings(builder) if builder else cfg.to_dict()
    place = _place_of(settings, cfg) if builder else ''
    given = [name for name, _ in named_settings(settings) if name.split('.')[-1] == keyword]
    if not given:
        return None
    given.sort(key=lambda name: name.count('.'))  # parts inside have settings of that name too
    taken = _parameters(_resolve(called, caller))
    if builder:
        taken |= _parameters(builder.f_locals.get('obj_cls'))
    hint = near_names(keyword, taken) or f'Expected one of {", ".join(sorted(taken))}'
    return f'{f"{place}." if place else ""}{given[0]}: nothing takes this setting. {hint}'


def _resolve(name: str, frame: FrameType) -> Any:
    """What a dotted name means in the module of a call; None where it means nothing."""
    first, *others = name.split('.')
    found = frame.f_globals.get(first)
    for other in others:
        found = getattr(found, other, None)
    return found


def _parameters(called: Any) -> set[str]:
    """Names of what a function takes, or a class with those that it passes arguments on to."""
    calls = [one.__dict__.get('__init__') for one in getattr(called, '__mro__', ())] or [called]
    parameters = [inspect.signature(one).parameters for one in calls if inspect.isfunction(one)]
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {key for one in parameters for key in one if one[key].kind not in variable} - {'self'}
