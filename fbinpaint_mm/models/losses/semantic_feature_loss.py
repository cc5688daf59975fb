"""Distance of two images in the feature maps of a segmentor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class SemanticFeatureLoss(nn.Module):
    """Distance of an inpainted image from the true one in the feature maps of a segmentor.

    The second way in which the inpainting result goes back to the segmentor: not to correct a map,
    but as a loss of the image. Features are scaled to unit length along the channels, squared
    distances are averaged over pixels and feature maps: LPIPS (Zhang et al., CVPR 2018, eq. 1) with
    all weights 1, in a network that learns to tell apart the classes at hand. LaMa (Suvorov et al.,
    WACV 2022, section 2.2.1) does so with a fixed segmentation network.

    Args:
        loss_weight: Factor.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, features: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
        """Compare feature maps.

        Args:
            features: Feature maps (N, C_i, h_i, w_i) float of the inpainted images; the gradient
                flows here.
            target: As many of the true images, of the same shapes.

        Returns:
            0-d float32, ``loss_weight`` times a distance in [0, 4].
        """
        with torch.autocast(features[0].device.type, enabled=False):
            pairs = zip(features, target, strict=True)
            distances = [_distance(one.float(), other.float()) for one, other in pairs]
            return self.loss_weight * torch.stack(distances).mean()


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return (F.normalize(one, dim=1) - F.normalize(other, dim=1)).square().sum(1).mean()
