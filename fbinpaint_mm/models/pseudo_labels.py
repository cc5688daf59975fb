"""What a teacher says about unlabelled images."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class PseudoLabels:
    """What a teacher says about unlabelled images.

    Args:
        label: (N, H, W) int64 class ids in [0, K).
        weight: (N, H, W) float32 in [0, 1], agreement with the looks of the class in other images.
        probability: (N, H, W) float32 in [0, 1], the teacher's probability of ``label``.
        trust: 0-d float32 in [0, 1], how far the teacher as a whole is trusted yet.
    """

    label: Tensor
    weight: Tensor
    probability: Tensor
    trust: Tensor
