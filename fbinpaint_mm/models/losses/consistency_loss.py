"""Consistency of the student's map of the inpainted image with the teacher's pseudo labels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor, nn

from fbinpaint_mm.user_error import UserError


@MODELS.register_module()
class ConsistencyLoss(nn.Module):
    """Cross entropy to pseudo labels, weighted by cross-image consistency.

    Pseudo labels are weighted, never overwritten. Normalizing by the sum of the weights keeps the
    size of the loss, and with it the learning rate, independent of how many pixels are trusted.

    Args:
        loss_weight: Factor of the loss.
        confidence_threshold: Pixels whose teacher probability is below this get weight 0, in [0,
            1).

    Raises:
        UserError: If ``confidence_threshold`` is outside [0, 1).
    """

    def __init__(self, loss_weight: float = 1.0, confidence_threshold: float = 0.0) -> None:
        super().__init__()
        if not 0 <= confidence_threshold < 1:
            raise UserError(f'confidence_threshold must be in [0, 1), got {confidence_threshold}')
        self.loss_weight = loss_weight
        self.confidence_threshold = confidence_threshold

    def forward(
        self, logits: Tensor, pseudo_label: Tensor, weight: Tensor, probability: Tensor
    ) -> Tensor:
        """Loss of one batch.

        Args:
            logits: (N, K, H, W) float logits of the student; N may be 0.
            pseudo_label: (N, H, W) int64 class ids of the teacher.
            weight: (N, H, W) float in [0, 1], cross-image consistency of the pseudo label.
            probability: (N, H, W) float in [0, 1], the teacher's probability of the pseudo label.

        Returns:
            0-d float32 tensor >= 0; exactly 0 when no pixel is trusted.
        """
        weight = self.trusted(weight, probability)
        loss = F.cross_entropy(logits.float(), pseudo_label, reduction='none')
        smallest = torch.finfo(torch.float32).eps
        return self.loss_weight * (loss * weight).sum() / weight.sum().clamp_min(smallest)

    def trusted(self, weight: Tensor, probability: Tensor) -> Tensor:
        """(N, H, W) float weight in [0, 1] of every pixel; the loss is divided by its sum."""
        return weight * (probability >= self.confidence_threshold)
