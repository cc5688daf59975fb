"""Makes the cosine to the class prototypes mean something."""

from __future__ import annotations

import torch
from mmagic.registry import MODELS
from torch import Tensor, nn

from fbinpaint_mm.models.feedback.cosine_similarity import class_occupancy, cosine_to_prototypes


@MODELS.register_module()
class PrototypeLoss(nn.Module):
    """Pulls pixel features to the prototype of their class and away from the others.

    Binary cross entropy between the cosine, clamped to [0, 1], and the class occupancy, as in the
    supervised stage of CISC-R (Wu et al., TPAMI 2023), but against the prototypes of the class
    memory and balanced: for each class the mean over its own area and the mean over the rest count
    the same, so that small classes are not drowned by their negatives.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, features: Tensor, labels: Tensor, prototypes: Tensor) -> Tensor:
        """Loss of one batch.

        Args:
            features: (N, C, h, w) float pixel features of a decode head.
            labels: (N, 1, H, W) or (N, H, W) int64 class ids; 255 is ignored.
            prototypes: (K, C) float; an all-zero row is a class not seen yet and is ignored.

        Returns:
            0-d float32 tensor >= 0; exactly 0 without a labelled pixel of a seen class.
        """
        cosine = cosine_to_prototypes(features, prototypes.detach()).clamp(1e-4, 1 - 1e-4)
        inside = class_occupancy(labels, prototypes.shape[0], features.shape[-2:])
        outside = inside.sum(1, keepdim=True) - inside
        usable = (prototypes.abs().sum(1) > 0) & (inside.sum((0, 2, 3)) > 0)
        if not usable.any():
            return cosine.sum() * 0.0
        positive = _area_mean(-cosine.log(), inside)
        negative = _area_mean(-(1 - cosine).log(), outside)
        return self.loss_weight * (positive + negative)[usable].mean()


def _area_mean(value: Tensor, area: Tensor) -> Tensor:
    """Mean of (N, K, h, w) values over the area of each class; (K,)."""
    return (value * area).sum((0, 2, 3)) / area.sum((0, 2, 3)).clamp_min(
        torch.finfo(torch.float32).eps
    )
