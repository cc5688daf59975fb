"""How far each inpainted pixel can be trusted."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class InpaintingConfidence(nn.Module):
    """Predicts the expected absolute error of an inpainted image, pixel by pixel.

    It sees the composite and the mask only, so it serves any inpainting network. It is trained with
    the Laplace likelihood (Kendall & Gal, NeurIPS 2017, eq. 5 with an L1 residual) on detached
    images: the image is never made worse to be easier to judge.

    Args:
        base_channels: Width of its four convolutions.
        min_scale: Smallest error it can expect, in units of the [-1, 1] image range.
    """

    def __init__(self, base_channels: int = 16, min_scale: float = 0.01) -> None:
        super().__init__()
        self.min_scale = min_scale
        self.layers = nn.Sequential(
            nn.Conv2d(4, base_channels, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(base_channels, base_channels, 3, padding=2, dilation=2),
            nn.GELU(),
            nn.Conv2d(base_channels, base_channels, 3, padding=4, dilation=4),
            nn.GELU(),
            nn.Conv2d(base_channels, 1, 3, padding=1),
        )

    def forward(self, current: Tensor, mask: Tensor) -> Tensor:
        """Expected absolute error of every pixel.

        Args:
            current: (N, 3, H, W) float composite in [-1, 1]; no gradient flows into it.
            mask: (N, 1, H, W) float, 1 in the hole.

        Returns:
            (N, 1, H, W) float32 error scale, at least ``min_scale``, in units of the [-1, 1] image
            range.
        """
        code = self.layers(torch.cat([current.detach(), mask], dim=1)).float()
        code = F.interpolate(code, current.shape[-2:], mode='bilinear', align_corners=False)
        return F.softplus(code - 1) + self.min_scale


def confidence_from_scale(scale: Tensor, mask: Tensor) -> Tensor:
    """Confidence, ``1 - expected error``, and exactly 1 outside the hole.

    Args:
        scale: (N, 1, H, W) float expected absolute error, as :class:`InpaintingConfidence` gives
            it.
        mask: (N, 1, H, W) float, 1 in the hole.

    Returns:
        (N, 1, H, W) float in [0, 1].
    """
    return torch.where(mask > 0.5, (1 - scale).clamp(0, 1), torch.ones_like(scale))
