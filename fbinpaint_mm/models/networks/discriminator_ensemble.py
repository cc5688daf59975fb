"""Several discriminators as one."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn


class DiscriminatorEnsemble(BaseModule):
    """Several discriminators, each of which judges every image.

    Args:
        discriminators: Networks that judge image and mask, (N, 4, H, W).
    """

    def __init__(self, discriminators: Sequence[nn.Module]) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(discriminators)

    def forward(self, x: Tensor) -> list[Tensor | Sequence[Tensor]]:
        """(N, 4, H, W) float, image in [-1, 1] and mask, 1 in the hole -> judgement of each."""
        return [discriminator(x) for discriminator in self.discriminators]
