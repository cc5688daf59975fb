"""Trains pixel features to be close to the prototype of their class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmagic.registry import MODELS
from torch import Tensor, nn

from fbinpaint_mm.models.feedback.class_memory import class_occupancy, cosine_to_prototypes


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

    def forward(
        self,
        features: Tensor,
        labels: Tensor,
        prototypes: Tensor,
        class_areas: Tensor | None = None,
    ) -> Tensor:
        """Loss of one batch.

        Args:
            features: (N, C, h, w) float pixel features of a decode head.
            labels: (N, 1, H, W) or (N, H, W) int64 class ids; 255 is ignored.
            prototypes: (K, C) float; an all-zero row is a class not seen yet and is ignored.
            class_areas: (2, K) float that means are taken over instead of this batch's own
                :func:`areas_of_classes`: their mean over the ranks of a distributed training.

        Returns:
            0-d float32 tensor >= 0; exactly 0 without a labeled pixel of a seen class.
        """
        cosine = cosine_to_prototypes(features, prototypes.detach()).clamp(1e-4, 1 - 1e-4)
        inside, outside = _inside_and_outside(labels, prototypes.shape[0], features.shape[-2:])
        areas = _total(inside, outside) if class_areas is None else class_areas
        usable = (prototypes.abs().sum(1) > 0) & (areas[0] > 0)
        if not usable.any():
            return cosine.sum() * 0.0
        positive = _area_mean(-cosine.log(), inside, areas[0])
        negative = _area_mean(-(1 - cosine).log(), outside, areas[1])
        return self.loss_weight * (positive + negative)[usable].mean()


def areas_of_classes(labels: Tensor, num_classes: int, size: Sequence[int]) -> Tensor:
    """How much of the labeled area each class has.

    Args:
        labels: (N, 1, H, W) or (N, H, W) int64 class ids; 255 is ignored.
        num_classes: K.
        size: (h, w) of the feature map.

    Returns:
        (2, K) float32 area of each class and of all others, in cells of the feature map.
    """
    return _total(*_inside_and_outside(labels, num_classes, size))


def _inside_and_outside(
    labels: Tensor, num_classes: int, size: Sequence[int]
) -> tuple[Tensor, Tensor]:
    inside = class_occupancy(labels, num_classes, size)
    return inside, inside.sum(1, keepdim=True) - inside


def _total(inside: Tensor, outside: Tensor) -> Tensor:
    return torch.stack([inside.sum((0, 2, 3)), outside.sum((0, 2, 3))])


def _area_mean(value: Tensor, weight: Tensor, area: Tensor) -> Tensor:
    """Weighted sum of (N, K, h, w) values, divided by the area of each class; (K,)."""
    return (value * weight).sum((0, 2, 3)) / area.clamp_min(torch.finfo(torch.float32).eps)
