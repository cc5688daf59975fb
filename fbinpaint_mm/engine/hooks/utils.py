"""What several hooks ask of a run: its model, whether that fits, and whether it is time."""

from __future__ import annotations

from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn

from fbinpaint_mm.user_error import UserError


def unwrapped_model(model: nn.Module) -> Any:
    """The model itself, of any class, whether or not a distributed wrapper is around it."""
    return model.module if is_model_wrapper(model) else model


def is_due(runner: Runner, interval: int | None) -> bool:
    """Whether the training iteration that runs now is one to show.

    Args:
        runner: The runner of the training, within an iteration.
        interval: Every ``interval``-th iteration; 0 for none; ``None`` for those that a validation
            follows, which suits short and long trainings.

    Returns:
        ``False`` too where there is no such iteration.
    """
    every = validation_interval(runner) if interval is None else interval
    return every > 0 and (runner.iter + 1) % every == 0


def validation_interval(runner: Runner) -> int:
    """Iterations between two validations, by the settings of the training loop."""
    loop = runner.train_loop
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    return loop.val_interval * (len(loop.dataloader) if by_epoch else 1)


def check_protocol(needed: type, found: object, user: str) -> None:
    """Refuses an object that lacks members of a protocol, before any training.

    Not ``isinstance``: from Python 3.12 on it does not see submodules and buffers, which torch
    keeps elsewhere than other attributes.

    Args:
        needed: A ``typing.Protocol`` that inherits from no other.
        found: A model, or a part of one.
        user: Name of the hook that needs it, for the message.

    Raises:
        UserError: Names the members that are missing and the protocol that describes them.
    """
    members = _members(needed)
    missing = [name for name in members if not hasattr(found, name)]
    if missing:
        raise UserError(
            f'{user} needs {", ".join(members)}, see {needed.__module__}.{needed.__name__}; '
            f'{type(found).__name__} lacks {", ".join(missing)}'
        )


def _members(protocol: type) -> list[str]:
    names = [*vars(protocol).get('__annotations__', {}), *vars(protocol)]
    return [name for name in dict.fromkeys(names) if not name.startswith('_')]
