"""Embedding of a soft semantic map at one scale."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SemanticEmbedding(nn.Module):
    """Two 3x3 convolutions over a soft map, resized by area so that it stays a distribution.

    Args:
        num_classes: K, channels of the map.
        channels: E, channels of the embedding.
    """

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(num_classes, channels, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.GELU(),
        )

    def forward(self, semantic_map: Tensor, size: tuple[int, int]) -> Tensor:
        """(N, K, H, W) float class probabilities -> (N, E, h, w) float, (h, w) being ``size``."""
        return self.layers(F.adaptive_avg_pool2d(semantic_map, size))
