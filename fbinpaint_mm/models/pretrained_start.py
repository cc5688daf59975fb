"""Checkpoints that parts of a model start from."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from fbinpaint_mm.checkpoint import read_weights


def pretrained_starts(module: nn.Module) -> Iterator[tuple[str, str]]:
    """What a module is to start from.

    Args:
        module: Any; one of mmengine's has an ``init_cfg``: ``None``, a dict or a list of them.

    Yields:
        Checkpoint and prefix of each ``dict(type='Pretrained', ...)``; an empty prefix for none.
    """
    configs = getattr(module, 'init_cfg', None) or []
    for config in [configs] if isinstance(configs, dict) else configs:
        if config['type'] == 'Pretrained':
            yield config['checkpoint'], config.get('prefix') or ''


def entries_of_checkpoint(checkpoint: str, prefix: str, part: str) -> dict[str, Tensor]:
    """The weights of a checkpoint under a prefix, which their names are without.

    Args:
        checkpoint: Path or address.
        prefix: Of the names, with or without a dot at its end; empty for all weights.
        part: What is to start from it, for the message.

    Returns:
        Tensors by name, of any shape and dtype, on the CPU; none if no name has the prefix.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read.
    """
    try:
        state = read_weights(checkpoint)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(
            f'{error} (start of {part}; in our configs: configs/_base_/paths.py)'
        ) from error
    prefix = f'{prefix}.' if prefix and not prefix.endswith('.') else prefix
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
