"""What the memories of classes and layouts learn from after a training iteration."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class CompletedBatch:
    """What the memories of classes and layouts learn from after a training iteration.

    Args:
        features: (N, C, h, w) float pixel features of the last round's completed images, without
            graph.
        labels: (N, 1, H, W) int64 class ids, 255 where unknown.
        is_labeled: (N,) bool.
        corrected_share: 0-d float in [0, 1], share of pixels whose class the recorrection changed;
            ``None`` where it is not known, as under the true map.
        is_whole: Whether the optimiser made its step; of accumulated batches only after the last.
        image_keys: (N,) int64, which images these are, see :class:`LayoutMemory`; ``None`` for a
            model without one.
    """

    features: Tensor
    labels: Tensor
    is_labeled: Tensor
    corrected_share: Tensor | None
    is_whole: bool = True
    image_keys: Tensor | None = None
