"""The result of one round of the loop."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from fbinpaint_mm.models.semantics import Semantics


@dataclass
class Round:
    """The result of one round.

    Args:
        raw: (N, 3, H, W) float output of the inpainting network.
        composite: (N, 3, H, W) float in [-1, 1]: ``raw`` in the hole, the input exactly elsewhere.
        error_scale: (N, 1, H, W) float32 expected absolute error of the composite, in units of the
            [-1, 1] range.
        confidence: (N, 1, H, W) float32 in [0, 1], 1 outside the hole.
        semantics: The map that guided this round; ``None`` in round 0 and without a segmentor.
        learns: Whether the round has losses in training; one that only leads to the next has none.
    """

    raw: Tensor
    composite: Tensor
    error_scale: Tensor
    confidence: Tensor
    semantics: Semantics | None
    learns: bool = True
