"""In what a run that goes on differs from what it was when it began."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

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
        config.
    """
    meta = torch.load(checkpoint, map_location='cpu', weights_only=False, mmap=True).get('meta', {})
    if not isinstance(meta.get('cfg'), str):
        return []
    then = Config.fromstring(meta['cfg'], '.py').to_dict()
    old, new = (
        dict(_leaves({key: settings.get(key) for key in COMPARED}))
        for settings in (then, cfg.to_dict())
    )
    told = {key: (old.get(key, NOTHING), new.get(key, NOTHING)) for key in {*old, *new}}
    return [
        f'{key}: {was} then, {is_} now' for key, (was, is_) in sorted(told.items()) if was != is_
    ]


def _leaves(settings: Any, name: str = '') -> Iterator[tuple[str, str]]:
    """Dotted names, and values as text; a list or tuple is one value, and both are the same."""
    if isinstance(settings, dict) and settings:
        for key, value in settings.items():
            yield from _leaves(value, f'{name}.{key}' if name else str(key))
    else:
        yield name, repr(list(settings) if isinstance(settings, tuple) else settings)
