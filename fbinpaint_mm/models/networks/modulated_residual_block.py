"""Residual block whose normalisations read the semantic map."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from fbinpaint_mm.models.networks.semantic_modulation import SemanticModulation


class ModulatedResidualBlock(nn.Module):
    """Pre-activation residual block: twice modulation, GELU, 3x3 convolution.

    Args:
        channels: C, channels in and out.
        embedding_channels: E, channels of the embedded map; 0 for no semantics.
        dilation: Dilation of the first convolution, to look beyond a large hole.
    """

    def __init__(self, channels: int, embedding_channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.modulation1 = SemanticModulation(channels, embedding_channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.modulation2 = SemanticModulation(channels, embedding_channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, embedding: Tensor | None) -> Tensor:
        """Refine features (N, C, h, w) under an embedded map (N, E, h, w) or ``None``."""
        residual = self.conv1(F.gelu(self.modulation1(x, embedding)))
        return x + self.conv2(F.gelu(self.modulation2(residual, embedding)))
