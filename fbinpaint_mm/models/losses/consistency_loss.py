"""Consistency of the student's map of the inpainted image with the teacher's of the intact one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor, nn

from fbinpaint_mm.user_error import UserError


@MODELS.register_module()
class ConsistencyLoss(nn.Module):
    """Kullback-Leibler divergence from the teacher's soft map, weighted by cross-image consistency.

    Its gradient is that of the cross entropy to the teacher's probabilities, and it is 0 where both
    agree. Normalizing by the sum of the weights keeps the size of the loss, and with it the
    learning rate, independent of how many pixels are trusted.

    Args:
        loss_weight: Factor of the loss.
        hole_weight: What a pixel in the hole counts for more: 1 + ``hole_weight``, others 1.

    Raises:
        UserError: If ``hole_weight`` is negative.
    """

    def __init__(self, loss_weight: float = 1.0, hole_weight: float = 3.0) -> None:
        super().__init__()
        if hole_weight < 0:
            raise UserError(f'hole_weight must be 0 or more, got {hole_weight}')
        self.loss_weight = loss_weight
        self.hole_weight = hole_weight

    def forward(
        self, logits: Tensor, probabilities: Tensor, weight: Tensor, hole: Tensor
    ) -> Tensor:
        """Loss of one batch.

        Args:
            logits: (N, K, H, W) float logits of the student; N may be 0.
            probabilities: (N, K, H, W) float in [0, 1], those of the teacher.
            weight: (N, H, W) float in [0, 1], cross-image consistency of the teacher's map.
            hole: (N, 1, H, W) float, 1 in the hole.

        Returns:
            0-d float32 tensor >= 0 but for rounding; exactly 0 when all weights are 0.
        """
        weight = self.pixel_weight(weight, hole)
        own = logits.float().log_softmax(1)
        loss = F.kl_div(own, probabilities, reduction='none').sum(1)
        smallest = torch.finfo(torch.float32).eps
        return self.loss_weight * (loss * weight).sum() / weight.sum().clamp_min(smallest)

    def pixel_weight(self, weight: Tensor, hole: Tensor) -> Tensor:
        """(N, H, W) float >= 0, what every pixel counts; the loss is divided by its sum."""
        return weight * (1 + self.hole_weight * hole.squeeze(1))
