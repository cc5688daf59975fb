"""Reading a config file, with a user's settings in place of its own."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

VARIABLES = 'FBINPAINT_'  # begin of the names of our environment variables
# What a Runner reads from its config, but does not take as a parameter; and what chooses one.
RUNNER_KEYS = (
    *('activation_checkpointing', 'compile', 'efficient_conv_bn_eval', 'find_unused_parameters'),
    *('model_wrapper_cfg', 'runner_type', 'sync_bn'),
)


def read_config(path: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> Config:
    """Reads a config file; an environment variable of ours that is empty counts as unset.

    Note:
        It takes the empty variables whose names begin with ``FBINPAINT_`` out of the environment
        of this process, for good: programs that it starts do not see them either.

    Args:
        path: The file.
        options: Settings that replace those of the config, by their dotted names.

    Returns:
        The config.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The first part of an option's name is unknown.
    """
    unset_empty_variables()
    cfg = Config.fromfile(path)
    merge_options(cfg, options or {})
    return cfg


def unset_empty_variables() -> None:
    """Takes empty ones out of the environment of this process; mmengine says they are not set."""
    for name in [key for key, value in os.environ.items() if key.startswith(VARIABLES)]:
        if not os.environ[name]:
            del os.environ[name]


def merge_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Replaces settings of a config, in place.

    Args:
        cfg: The whole config.
        options: Settings by their dotted names; their first part is a key of the config or
            something that mmengine's ``Runner`` reads.

    Raises:
        ValueError: One is not: mmengine would add it, and nothing would ever read it.
    """
    known = {*cfg, *inspect.signature(Runner).parameters, *RUNNER_KEYS} - {'cfg'}
    for name in options:
        key = name.partition('.')[0]
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            raise ValueError(
                f'option {name!r}: neither the config nor a run has a setting {key!r}. '
                + (f'Did you mean {close[0]!r}?' if close else f'There are {sorted(known)}')
            )
    cfg.merge_from_dict(dict(options))
