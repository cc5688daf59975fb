"""A map that comes from outside, as the map of the round before."""

from __future__ import annotations

import torch
from torch import Tensor

from fbinpaint_mm.models.round import Semantics


class CarriedMap(Semantics):
    """The map of the round before, given as probabilities by a caller that runs the rounds itself.

    Args:
        probabilities: (N, K, H, W) float class probabilities; all 0 before the first map.
    """

    def __init__(self, probabilities: Tensor) -> None:
        tiny = torch.finfo(probabilities.dtype).tiny
        logits = probabilities.clamp_min(tiny).log()
        super().__init__(logits=logits, raw_logits=logits, features=None)
        self._given = probabilities

    @property
    def probabilities(self) -> Tensor:
        """(N, K, H, W) float, as given: a softmax would make a uniform map of all zeros."""
        return self._given
