"""Nothing that is not a number passes for a result."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from fbinpaint_mm.models.round import Round
from fbinpaint_mm.user_error import UserError


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
