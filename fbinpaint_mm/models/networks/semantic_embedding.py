"""Embedding of a soft semantic map at one scale."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SemanticEmbedding(nn.Module):
    """Two 3x3 convolutions over a soft map, reduced by area so that it stays a distribution.

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

    def forward(self, semantic_map: Tensor, stride: int) -> Tensor:
        """Embed a map.

        Args:
            semantic_map: (N, K, H, W) float class probabilities; H and W divisible by ``stride``.
            stride: How many times smaller the embedding is.

        Returns:
            (N, E, H / stride, W / stride) float.
        """
        # Not adaptive_avg_pool2d, which gives the same bits: ONNX has no pooling to a given size.
        return self.layers(F.avg_pool2d(semantic_map, stride))
