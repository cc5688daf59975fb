"""In what a run that goes on differs from what it was when it began."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from fbinpaint_mm.in_one_line import in_one_line

# What the state in a checkpoint belongs to: other parts, or other parameters that learn, and the
# state of the optimizers does not fit.
COMPARED = ('model', 'optim_wrapper')
NOTHING = 'nothing'


def changed_settings(checkpoint: Path, cfg: Config) -> list[str]:
    """Settings of model and optimizers that are not those which a checkpoint was trained with.

    Args:
        checkpoint: A local checkpoint of mmengine's ``Runner``, whose ``meta`` has the config as
            text. Like resuming itself, this runs what the file says: only for files you trust.
        cfg: The config of now.

    Returns:
        A line for each, such as ``'model.freeze_initial: True then, False now'``, in alphabetical
        order; ``nothing`` stands for a key that is not there. Empty for a checkpoint without a
        config. Settings that cannot be read are one line that says why: mmengine writes some values
        (``float('inf')``, paths) as text that is no Python, and a module that the config imports
        may be gone.
    """
    try:
        then = _settings_of(checkpoint)
    except Exception as error:  # what only warns must not end the run that it is for
        return [f'the settings of the run could not be read: {in_one_line(error)}']
    if then is None:
        return []
    old, new = (
        dict(_leaves({key: settings.get(key) for key in COMPARED}))
        for settings in (then, cfg.to_dict())
    )
    told = {key: (old.get(key, NOTHING), new.get(key, NOTHING)) for key in {*old, *new}}
    return [
        f'{key}: {was} then, {is_} now' for key, (was, is_) in sorted(told.items()) if was != is_
    ]


def _settings_of(checkpoint: Path) -> dict[str, Any] | None:
    """The config in a checkpoint; None if there is none."""
    meta = torch.load(checkpoint, map_location='cpu', weights_only=False, mmap=True).get('meta', {})
    text = meta.get('cfg')
    return Config.fromstring(text, '.py').to_dict() if isinstance(text, str) else None


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
