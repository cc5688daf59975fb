"""What every class looks like in other, labelled images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from mmengine.dist import all_reduce
from torch import Tensor, nn

from fbinpaint_mm.models.feedback.cosine_similarity import class_occupancy


@MODELS.register_module()
class ClassMemory(nn.Module):
    """A bank of class prototypes, kept as an exponential moving average over labelled images.

    A prototype is the masked average pooling of unit-length pixel features over the pixels of its
    class. The bank holds
    buffers only: it takes no gradient and is part of the checkpoint.

    Args:
        num_classes: K, number of classes.
        channels: C, channels of the pixel features (the input of the decode head's ``conv_seg``).
        momentum: Share of the old prototype kept at each update, in [0, 1). The first sight of a
            class is taken over whole.

    Attributes:
        prototypes: (K, C) float32 buffer; an all-zero row is a class not seen yet.
        updates: (K,) int64 buffer, how many updates each class had.

    Raises:
        ValueError: If ``momentum`` is outside [0, 1).
    """

    def __init__(self, num_classes: int, channels: int, momentum: float = 0.99) -> None:
        super().__init__()
        if not 0 <= momentum < 1:
            raise ValueError(f'momentum of ClassMemory must be in [0, 1), got {momentum}')
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
        """Move the prototypes towards the features of a labelled batch, summed over all ranks.

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
