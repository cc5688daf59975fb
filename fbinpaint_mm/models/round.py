"""The result of one round of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass
class Semantics:
    """The semantic map of one round.

    Args:
        logits: (N, K, H, W) float32 logits that guide: the corrected ones, replaced where a map is
            dictated.
        raw_logits: (N, K, H, W) float logits of the segmentor before the recorrection; the same
            tensor as ``logits`` where nothing corrects them.
        features: (N, C, h, w) float pixel features of the decode head.
        supervised_logits: (N, K, H, W) float logits that learn from labels and from the teacher:
            the corrected ones, and the segmentor's own, which must be right before the correction
            too, since the teacher is its moving average and has no correction.
    """

    logits: Tensor
    raw_logits: Tensor
    features: Tensor
    supervised_logits: Sequence[Tensor] = ()

    @property
    def probabilities(self) -> Tensor:
        """(N, K, H, W) float32 class probabilities of the map that guides."""
        return self.logits.softmax(1)

    @property
    def corrected_share(self) -> Tensor:
        """0-d float in [0, 1], share of pixels whose class is not what the segmentor said."""
        return (self.logits.argmax(1) != self.raw_logits.argmax(1)).float().mean()


@dataclass
class Round:
    """The result of one round.

    Args:
        raw: (N, 3, H, W) float output of the inpainting network.
        composite: (N, 3, H, W) float in [-1, 1]: the input exactly, and in the hole ``raw``, which
            outside training may be merged with the round before.
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
