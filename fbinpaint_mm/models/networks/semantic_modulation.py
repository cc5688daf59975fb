"""Spatially adaptive modulation of features by a soft semantic map."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SemanticModulation(nn.Module):
    """Normalises features, then scales and shifts them pixel by pixel as the map says.

    ``norm(x) * (1 + gamma(map)) + beta(map)`` (SPADE, Park et al., CVPR 2019, eq. 1), with group normalisation in the place of
    batch normalisation, for small batches, and a *soft* map, resized by area so that it stays a distribution.
    ``gamma`` and ``beta`` start at zero: at initialisation the map has no influence. Without classes this is the normalisation alone.

    Args:
        channels: C, channels of the features; divisible by ``groups``.
        num_classes: K, channels of the map; 0 for no semantics.
        hidden_channels: Width of the convolution shared by gamma and beta.
        groups: Groups of the normalisation.
    """

    def __init__(
        self, channels: int, num_classes: int, hidden_channels: int = 64, groups: int = 4
    ) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, affine=num_classes == 0)
        self.modulation = _modulation(channels, num_classes, hidden_channels)

    def forward(self, x: Tensor, semantic_map: Tensor | None) -> Tensor:
        """Modulate features.

        Args:
            x: (N, C, h, w) float features.
            semantic_map: (N, K, H, W) float class probabilities; ignored (and may be ``None``) without classes.

        Returns:
            (N, C, h, w) float features.
        """
        x = self.norm(x)
        if self.modulation is None:
            return x
        resized = F.adaptive_avg_pool2d(semantic_map, x.shape[-2:])
        gamma, beta = self.modulation(resized).chunk(2, dim=1)
        return x * (1 + gamma) + beta


def _modulation(channels: int, num_classes: int, hidden_channels: int) -> nn.Module | None:
    if num_classes == 0:
        return None
    last = nn.Conv2d(hidden_channels, 2 * channels, 3, padding=1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Conv2d(num_classes, hidden_channels, 3, padding=1), nn.GELU(), last)
