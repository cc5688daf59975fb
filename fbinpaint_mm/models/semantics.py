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
    def supervised_logits(self) -> dict[str, Tensor]:
        """The logits that learn from labels, by the suffix of their losses.

        The segmentor must be right on its own too, not only after the correction: the teacher is
        its moving average, without feedback or recorrection.
        """
        if self.logits is self.raw_logits:
            return {'': self.logits}
        return {'': self.logits, '_raw': self.raw_logits}
