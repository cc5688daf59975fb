"""Spatially adaptive modulation of features by an embedded semantic map."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class SemanticModulation(nn.Module):
    """Normalises features, then scales and shifts them pixel by pixel as the map says.

    ``norm(x) * (1 + gamma) + beta`` (SPADE, Park et al., CVPR 2019, eq. 1), with group
    normalisation in the place of batch normalisation, for small batches. SPADE embeds the map anew
    in every layer; here all layers of one scale share a :class:`SemanticEmbedding`, and gamma and
    beta are 1x1 convolutions of it, at a small fraction of the cost.  Without semantics this is an
    affine normalisation alone.

    Args:
        channels: C, channels of the features; divisible by ``groups``.
        embedding_channels: E, channels of the embedded map; 0 for no semantics.
        groups: Groups of the normalisation.
    """

    def __init__(self, channels: int, embedding_channels: int, groups: int = 4) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, affine=embedding_channels == 0)
        self.modulation = None
        if embedding_channels:
            self.modulation = nn.Conv2d(embedding_channels, 2 * channels, 1)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take over the affine normalisation of a network without semantics, if given one."""
        if self.modulation is not None and f'{prefix}norm.weight' in state_dict:
            weight = state_dict.pop(f'{prefix}norm.weight')
            bias = state_dict.pop(f'{prefix}norm.bias')
            state_dict[f'{prefix}modulation.weight'] = torch.zeros_like(self.modulation.weight)
            state_dict[f'{prefix}modulation.bias'] = torch.cat([weight - 1, bias])
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def forward(self, x: Tensor, embedding: Tensor | None) -> Tensor:
        """Modulate features.

        Args:
            x: (N, C, h, w) float features.
            embedding: (N, E, h, w) float embedded map; ``None`` without semantics.

        Returns:
            (N, C, h, w) float features.
        """
        x = self.norm(x)
        if self.modulation is None:
            return x
        gamma, beta = self.modulation(embedding).chunk(2, dim=1)
        return x * (1 + gamma) + beta
