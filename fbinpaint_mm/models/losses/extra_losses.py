"""Further losses of the image, which a config adds to those that every model may have."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Sequence
from typing import Any

from mmagic.registry import MODELS
from torch import Tensor, nn

from fbinpaint_mm.user_error import UserError

KEY = 'losses.extra_losses'
CALL = '(composite, target, mask)'


class ExtraLosses(nn.ModuleDict):
    """Losses ``(composite, target, mask)`` of any registry, by the names of their classes.

    Each is called with three positional arguments and returns a 0-d tensor, already weighted. Those
    of mmagic that take a ``weight`` third, such as ``CharbonnierLoss``, take the hole for it.

    * ``composite``: (N, 3, H, W) float image of a round in [-1, 1], known pixels copied into it.
    * ``target``: (N, 3, H, W) float true image in [-1, 1].
    * ``mask``: (N, 1, H, W) float, 1 in the hole.

    Channels are in the order of the model, BGR by default. In distributed training each rank
    averages on its own.

    Args:
        configs: Configs of losses, each with ``type``; ``None`` for none. The second of one class
            is named ``<class>_2``.

    Raises:
        UserError: If it is no list of configs, or a loss cannot be called like that.
    """

    def __init__(self, configs: Sequence[dict] | None = None) -> None:
        super().__init__()
        for config in _checked(configs or []):
            loss = MODELS.build(config)
            self[self._name_of(loss)] = _callable_as_documented(loss)

    def forward(self, composite: Tensor, target: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """The losses of one round.

        Args:
            composite: See above, as the others.
            target: Likewise.
            mask: Likewise.

        Returns:
            0-d tensors by name, ``loss_<class>``.

        Raises:
            UserError: If a loss fails, or returns anything else.
        """
        given = (composite, target, mask)
        return {f'loss_{name}': _called(name, loss, given) for name, loss in self.items()}

    def _name_of(self, loss: nn.Module) -> str:
        kind = type(loss).__name__
        count = 1 + sum(type(other).__name__ == kind for other in self.values())
        return kind if count == 1 else f'{kind}_{count}'


def _checked(configs: Any) -> Sequence[dict]:
    is_list = isinstance(configs, list | tuple)
    if not is_list or not all(isinstance(one, dict) and 'type' in one for one in configs):
        raise UserError(
            f"{KEY}: found {configs!r}, expected a list of configs, such as [dict(type='L1Loss')]"
        )
    return configs


def _callable_as_documented(loss: nn.Module) -> nn.Module:
    signature = inspect.signature(loss.forward)
    try:
        signature.bind(None, None, None)
    except TypeError as error:
        raise UserError(
            f'{KEY}: {type(loss).__name__} takes {signature}, and is called as {CALL}: {error}; '
            'wrap it in a class of your own'
        ) from error
    return loss


def _called(name: str, loss: nn.Module, given: tuple[Tensor, ...]) -> Tensor:
    try:
        value = loss(*given)
    except (TypeError, ValueError, RuntimeError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise UserError(
            f'{KEY}: {name} fails when called as {CALL}: {error} '
            f'({place.filename}, line {place.lineno})'
        ) from error
    if isinstance(value, Tensor) and value.dim() == 0:
        return value
    found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
    raise UserError(f'{KEY}: {name} returned {found}, expected a 0-d tensor')
