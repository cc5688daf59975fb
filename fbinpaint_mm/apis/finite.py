"""Nothing that is not a number passes for a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fbinpaint_mm.models.round import Round
from fbinpaint_mm.user_error import UserError


def check_finite_weights(model: nn.Module, checkpoint: str) -> None:
    """Refuses weights of a training that diverged.

    Args:
        model: With the weights of the checkpoint.
        checkpoint: What to call it in the message.

    Raises:
        UserError: A parameter or buffer holds a value that is NaN or infinite. The first is named.
    """
    check_finite_entries(model.state_dict(), checkpoint)


def check_finite_entries(state: Mapping[str, Tensor], checkpoint: str) -> None:
    """Refuses weights of a training that diverged, before they are in a model.

    Args:
        state: Tensors of any shape and dtype by name.
        checkpoint: What to call it in the message.

    Raises:
        UserError: An entry holds a value that is NaN or infinite. The first is named.
    """
    wrong = [name for name, value in state.items() if not value.isfinite().all()]
    if wrong:
        raise UserError(
            f'checkpoint {checkpoint!r}: {len(wrong)} of {len(state)} entries hold NaN or infinite '
            f'values, first {wrong[0]!r}; the training diverged: take an earlier checkpoint'
        )


def check_finite_rounds(results: Sequence[Round], names: Sequence[str]) -> None:
    """Refuses an image that would be black, or white, where the networks have overflowed.

    Args:
        results: The rounds of a batch of N images, round 0 first.
        names: N names for the message, in the order of the batch.

    Raises:
        UserError: The networks gave NaN or infinite values. The image and the first round are
            named.
    """
    for number, one in enumerate(results):
        # Not the composite, whose values are cut off at black and white.
        planes = [one.raw, one.confidence]
        planes += [] if one.semantics is None else [one.semantics.logits]
        is_finite = torch.stack([plane.isfinite().flatten(1).all(1) for plane in planes]).all(0)
        for name, whole in zip(names, is_finite.tolist(), strict=True):
            if not whole:
                raise UserError(
                    f'{name}: round {number} of the model gives NaN or infinite values; take '
                    'another checkpoint'
                )
