"""Class prototypes: the mean features of classes in labeled images, and similarity to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from mmengine.dist import all_reduce
from torch import Tensor, nn

from fbinpaint_mm.user_error import UserError


@MODELS.register_module()
class ClassMemory(nn.Module):
    """A bank of class prototypes, kept as an exponential moving average over labeled images.

    A prototype is the masked average pooling of unit-length pixel features over the pixels of its
    class. The bank holds buffers only: it takes no gradient and is part of the checkpoint.

    Args:
        num_classes: K, number of classes.
        channels: C, channels of the pixel features (the input of the decode head's ``conv_seg``).
        momentum: Share of the old prototype kept at each update, in [0, 1). The first sight of a
            class is taken over whole.

    Attributes:
        prototypes: (K, C) float32 buffer; an all-zero row is a class not seen yet.
        updates: (K,) int64 buffer, how many updates each class had.

    Raises:
        UserError: If ``momentum`` is outside [0, 1).
    """

    prototypes: Tensor
    updates: Tensor
    _sums: Tensor
    _areas: Tensor

    def __init__(self, num_classes: int, channels: int, momentum: float = 0.99) -> None:
        super().__init__()
        if not 0 <= momentum < 1:
            raise UserError(f'momentum of ClassMemory must be in [0, 1), got {momentum}')
        self.num_classes = num_classes
        self.momentum = momentum
        self.register_buffer('prototypes', torch.zeros(num_classes, channels))
        self.register_buffer('updates', torch.zeros(num_classes, dtype=torch.long))
        self.register_buffer('_sums', torch.zeros(num_classes, channels), persistent=False)
        self.register_buffer('_areas', torch.zeros(num_classes), persistent=False)

    @property
    def seen(self) -> Tensor:
        """(K,) bool, classes that have a prototype."""
        return self.updates > 0

    @torch.no_grad()
    def update(self, features: Tensor, labels: Tensor, postpone: bool = False) -> None:
        """Move the prototypes towards the features of a labeled batch, summed over all ranks.

        Every rank must call this in the same iterations, if need be with an empty batch or with
        labels that are all 255; classes without a pixel stay as they are.

        Args:
            features: (N, C, h, w) float pixel features.
            labels: (N, 1, H, W) or (N, H, W) int64 class ids, 255 where unknown.
            postpone: Whether this is a part of a larger batch, of which more parts follow: the
                prototypes move with the last one.
        """
        sums, areas = self._class_sums(features, labels)
        self._sums += sums
        self._areas += areas
        if not postpone:
            self._move()

    def _move(self) -> None:
        all_reduce(self._sums)
        all_reduce(self._areas)
        present = self._areas > 0
        mean = self._sums / self._areas.clamp_min(1e-12).unsqueeze(1)
        keep = torch.where(self.seen, self.momentum, 0.0).unsqueeze(1)
        moved = keep * self.prototypes + (1 - keep) * mean
        self.prototypes.copy_(torch.where(present.unsqueeze(1), moved, self.prototypes))
        self.updates += present
        self._sums.zero_()
        self._areas.zero_()

    def _class_sums(self, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if features.shape[0] == 0:
            return torch.zeros_like(self.prototypes), self.prototypes.new_zeros(self.num_classes)
        with torch.autocast(features.device.type, enabled=False):
            occupancy = class_occupancy(labels, self.num_classes, features.shape[-2:])
            unit = F.normalize(features.float(), dim=1)
            return torch.einsum('nkhw,nchw->kc', occupancy, unit), occupancy.sum((0, 2, 3))


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


def class_occupancy(labels: Tensor, num_classes: int, size: Sequence[int]) -> Tensor:
    """Share of every feature cell that each class covers.

    Args:
        labels: (N, 1, H, W) or (N, H, W) int64 class ids; 255 is unknown and belongs to no class.
        num_classes: K.
        size: h and w of the feature map, not larger than H and W in general.

    Returns:
        (N, K, h, w) float32 in [0, 1]; the sum over K is below 1 where pixels are unknown.
    """
    one_hot, _ = one_hot_where_known(labels, num_classes)
    return F.adaptive_avg_pool2d(one_hot.float(), (size[0], size[1]))


def cross_image_weight(cosine: Tensor, pseudo_label: Tensor, seen: Tensor) -> Tensor:
    """How far the features of a pixel, compared with other images, agree with its pseudo label.

    The rectification weight of CISC-R (Wu et al., TPAMI 2023), ``1 - |1[y = c] - cos(f, p_c)|``,
    averaged over the classes that have a prototype. A pixel labeled c whose features are not those
    of c, or are those of a class it is not labeled as, counts less.

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


IGNORE_INDEX = 255


def one_hot_where_known(labels: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """One plane per class, and where the label is known at all.

    Args:
        labels: (N, 1, H, W) or (N, H, W) int64 class ids in [0, K); 255 is unknown.
        num_classes: K.

    Returns:
        (N, K, H, W) int64, 1 in the plane of the label and 0 in all planes where it is unknown;
        and (N, 1, H, W) bool, whether it is known.
    """
    labels = labels.reshape(labels.shape[0], 1, *labels.shape[-2:])
    known = labels != IGNORE_INDEX
    planes = F.one_hot(labels.where(known, 0)[:, 0], num_classes).movedim(-1, 1)
    return planes * known, known


@dataclass
class CompletedBatch:
    """What the class memory learns from after a training iteration.

    Args:
        features: (N, C, h, w) float pixel features of the last round's completed images, without
            graph.
        labels: (N, 1, H, W) int64 class ids, 255 where unknown.
        is_labeled: (N,) bool.
        corrected_share: 0-d float in [0, 1], share of pixels whose class the recorrection changed;
            ``None`` where it is not known, as under the true map.
        is_whole: Whether the optimizer made its step; of accumulated batches only after the last.
    """

    features: Tensor
    labels: Tensor
    is_labeled: Tensor
    corrected_share: Tensor | None
    is_whole: bool = True
