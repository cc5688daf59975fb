"""The one place that converts images of the inpainter into input of the segmentor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class SegmentorInput(nn.Module):
    """From the inpainter's [-1, 1] to the ImageNet-normalised RGB of an mmseg model, and back.

    Both directions are affine and keep gradients.

    Args:
        mean: RGB mean in 0..255.
        std: RGB standard deviation in 0..255.
        channel_order: Order of the inpainter's channels, ``'BGR'`` (mmagic's default) or ``'RGB'``.

    Raises:
        ValueError: If ``channel_order`` is neither.
    """

    def __init__(
        self,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        channel_order: str = 'BGR',
    ) -> None:
        super().__init__()
        if channel_order not in ('BGR', 'RGB'):
            raise ValueError(f"channel_order must be 'BGR' or 'RGB', got {channel_order!r}")
        self.flip = channel_order == 'BGR'
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) float in [-1, 1] -> (N, 3, H, W) float RGB, normalised."""
        image = image.flip(1) if self.flip else image
        return (image * 127.5 + 127.5 - self.mean) / self.std

    def inverse(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) float RGB, normalised -> (N, 3, H, W) float in [-1, 1]."""
        image = (image * self.std + self.mean - 127.5) / 127.5
        return image.flip(1) if self.flip else image
