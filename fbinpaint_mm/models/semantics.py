"""The semantic map of one round."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Semantics:
    """The semantic map of one round.

    Args:
        logits: (N, K, H, W) float32 corrected logits.
        raw_logits: (N, K, H, W) float logits of the segmentor before the recorrection; the same
            tensor as ``logits`` where nothing corrects them.
        features: (N, C, h, w) float pixel features of the decode head.
    """

    logits: Tensor
    raw_logits: Tensor
    features: Tensor

    @property
    def probabilities(self) -> Tensor:
        """(N, K, H, W) float32 corrected class probabilities."""
        return self.logits.softmax(1)

    @property
    def supervised_logits(self) -> list[Tensor]:
        """The logits that learn from labels: the corrected ones and the segmentor's own.

        The segmentor must be right before the correction too: the teacher is its moving average,
        and has no correction.
        """
        return [self.logits] if self.logits is self.raw_logits else [self.logits, self.raw_logits]
