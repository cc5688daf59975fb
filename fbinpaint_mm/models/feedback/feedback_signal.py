"""State of the inpainting that is sent to a decode head."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class FeedbackSignal:
    """State of the inpainting at one round, as seen by a decode head.

    Args:
        current: (N, 3, H, W) float composite of the previous round, in [-1, 1].
        mask: (N, 1, H, W) float, 1 in the hole.
        confidence: (N, 1, H, W) float in [0, 1], how far the pixels of ``current`` can be trusted;
            1 outside the hole.
        previous_map: (N, K, H, W) float class probabilities of the previous round; all 0 before the
            first.
        strength: 0-d float tensor in [0, 1] that scales the feedback.
    """

    current: Tensor
    mask: Tensor
    confidence: Tensor
    previous_map: Tensor
    strength: Tensor

    def planes(self) -> list[Tensor]:
        """The tensors that the feedback encoder reads: 3 + 1 + 1 + K channels."""
        return [self.current, self.mask, self.confidence, self.previous_map]
