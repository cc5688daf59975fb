"""Cosine similarity between pixels and class prototypes, and what is made of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from fbinpaint_mm.models.feedback.known_labels import one_hot_where_known


def cosine_to_prototypes(features: Tensor, prototypes: Tensor) -> Tensor:
    """Similarity of every pixel to every class prototype.

    Computed in float32 whatever the inputs are: the norms of wide features overflow in float16.

    Args:
        features: (N, C, H, W) float pixel features of a decode head, any scale.
        prototypes: (K, C) float, one row per class; an all-zero row is a class not seen yet.

    Returns:
        (N, K, H, W) float32 cosine in [-1, 1]; 0 for a class not seen yet.
    """
    with torch.autocast(features.device.type, enabled=False):
        features = F.normalize(features.float(), dim=1)
        prototypes = F.normalize(prototypes.float(), dim=1)
        return torch.einsum('nchw,kc->nkhw', features, prototypes)


def class_occupancy(labels: Tensor, num_classes: int, size: tuple[int, int]) -> Tensor:
    """Share of every feature cell that each class covers.

    Args:
        labels: (N, 1, H, W) or (N, H, W) int64 class ids; 255 is unknown and belongs to no class.
        num_classes: K.
        size: (h, w) of the feature map, not larger than (H, W) in general.

    Returns:
        (N, K, h, w) float32 in [0, 1]; the sum over K is below 1 where pixels are unknown.
    """
    one_hot, _ = one_hot_where_known(labels, num_classes)
    return F.adaptive_avg_pool2d(one_hot.float(), size)


def cross_image_weight(cosine: Tensor, pseudo_label: Tensor, seen: Tensor) -> Tensor:
    """How far the looks of a pixel, compared with other images, agree with its pseudo label.

    The rectification weight of CISC-R (Wu et al., TPAMI 2023), ``1 - |1[y = c] - cos(f, p_c)|``,
    averaged over the classes that have a prototype. A pixel labelled c that does not look like c,
    or that looks like a class it is not labelled as, counts less.

    Args:
        cosine: (N, K, H, W) float cosine to the prototypes; clamped to [0, 1] here.
        pseudo_label: (N, H, W) int64 class ids in [0, K).
        seen: (K,) bool, classes that have a prototype.

    Returns:
        (N, H, W) float32 weight in [0, 1]; 1 everywhere as long as no class has been seen.
    """
    if not seen.any():
        return torch.ones_like(pseudo_label, dtype=torch.float32)
    target = F.one_hot(pseudo_label, cosine.shape[1]).permute(0, 3, 1, 2)
    agreement = 1 - (target - cosine.float().clamp(0, 1)).abs()
    return (agreement * seen.view(1, -1, 1, 1)).sum(1) / seen.sum()
