"""Settings that mmengine passes over, or finds wrong only when it needs them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import mmagic.registry
from mmengine.config import Config
from mmengine.registry import Registry

from fbinpaint_mm.setting_names import named_settings, near_names
from fbinpaint_mm.user_error import UserError

# Settings of no class, so that none refuses what it does not know.
UNTYPED = dict(
    env_cfg=('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'),
    auto_scale_lr=('enable', 'base_batch_size'),
)
WINDOWS = ('epoch', 'global')  # of a value in the log, beside a number of iterations
REGISTRIES = [one for one in vars(mmagic.registry).values() if isinstance(one, Registry)]
NUMBERS = {'int', 'float'}
NO_KINDS = {'class', 'typing', 'Optional', 'Union', 'None', 'NoneType'}  # words of annotations


def check_unchecked(cfg: Config) -> None:
    """Looks at settings that mmengine passes over, or finds wrong only when it needs them.

    Args:
        cfg: The whole config.

    Raises:
        UserError: One of ``UNTYPED`` has a setting that nothing reads, or an interval of a hook
            or of the log is text.
    """
    for part, known in UNTYPED.items():
        for key in cfg.get(part) or ():
            if key not in known:
                hint = near_names(key, known) or f'Expected one of {", ".join(known)}'
                raise UserError(f'{part}.{key}: nothing takes this setting. {hint}')
    read = {key: cfg.get(key) for key in ('default_hooks', 'custom_hooks', 'log_processor')}
    for name, value in named_settings(read):
        is_window = name.endswith('window_size') and value in WINDOWS
        is_known = name.endswith(('interval', 'max_keep_ckpts', 'window_size'))
        if is_known and isinstance(value, str) and not is_window:
            raise UserError(f'{name}: found {value!r}, expected a whole number')


def check_loaders(cfg: Config) -> None:
    """Looks at the sizes and the workers of data loaders.

    Args:
        cfg: The whole config.

    Raises:
        UserError: A number is no whole one, or too small; or a setting is for workers, and there
            are none.
    """
    for key in [key for key in cfg if key.endswith('_dataloader')]:
        for place, loader in named_settings(cfg[key], key):
            if isinstance(loader, dict) and 'dataset' in loader:
                _check_loader(place, loader)


def _check_loader(place: str, loader: dict) -> None:
    for key, least in (('batch_size', 1), ('num_workers', 0)):
        value = loader.get(key, least)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise UserError(
                f'{place}.{key}: found {value!r}, expected a whole number of {least} or more'
            )
    for key in ('persistent_workers', 'prefetch_factor'):
        if loader.get(key) and not loader.get('num_workers'):
            raise UserError(
                f'{place}.{key}: found {loader[key]!r}, but {place}.num_workers is 0; expected a '
                f'worker, or {key}={"False" if key == "persistent_workers" else "None"}'
            )


def wrong_number(cfg: Config) -> str | None:
    """Looks for a text in place of a number, as the classes that a config names take it.

    Args:
        cfg: The whole config.

    Returns:
        A sentence about the first one; None if there is none.
    """
    for place, settings in named_settings(cfg.to_dict()):
        texts = _texts(settings)
        classes = list(_classes(settings['type'])) if texts else []
        for key, text in texts.items():
            if classes and all(_takes_a_number(one, key) for one in classes):
                return f'{place}.{key}: found {text!r}, expected a number'
    return None


def is_number(value: Any) -> bool:
    """Whether it is one; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _texts(settings: Any) -> dict[str, str]:
    if not isinstance(settings, dict) or 'type' not in settings:
        return {}
    return {key: one for key, one in settings.items() if isinstance(one, str) and key != 'type'}


def _classes(kind: Any) -> Iterator[type]:
    """What a type may mean, with or without scope; each part has its own registry."""
    found = [registry.get(kind) for registry in REGISTRIES] if isinstance(kind, str) else [kind]
    yield from {one for one in found if inspect.isclass(one)}


def _takes_a_number(built: type, key: str) -> bool:
    """Whether its default or its annotation says so; a text may be one of several kinds."""
    constructors = [one.__dict__.get('__init__') for one in built.__mro__]
    signatures = [inspect.signature(one) for one in constructors if inspect.isfunction(one)]
    parameter = next((one.parameters[key] for one in signatures if key in one.parameters), None)
    if parameter is None:
        return False
    kinds = set(re.findall(r'\w+', str(parameter.annotation))) - NO_KINDS
    if is_number(parameter.default):
        return not kinds & {'str', 'Any', 'Literal'}
    return bool(kinds) and kinds <= NUMBERS
