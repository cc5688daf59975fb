"""What the inpainting tells a decode head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor, nn

from fbinpaint_mm.models.feedback.feedback_signal import FeedbackSignal


@MODELS.register_module()
class InpaintingFeedback(nn.Module):
    """Turns the state of the inpainting into summands for the inputs of a decode head.

    The state is the current image, the hole mask, the inpainting confidence and the previous
    round's map. A small convolutional encoder reads it at ``1 / stride`` of the image; one
    zero-initialised 1x1 convolution for each input of the head then makes the summand, so that a
    pre-trained head starts unchanged.

    Args:
        num_classes: K, channels of the previous map.
        in_channels: Channels of each feature map that the head selects, in the order of its
            ``in_index``.
        base_channels: Width of the encoder.
        stride: Down-sampling of the encoder, 1, 2, 4 or 8.

    Raises:
        ValueError: If ``stride`` is none of 1, 2, 4, 8.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int],
        base_channels: int = 32,
        stride: int = 4,
    ) -> None:
        super().__init__()
        if stride not in (1, 2, 4, 8):
            raise ValueError(f'stride of InpaintingFeedback must be 1, 2, 4 or 8, got {stride}')
        widths = [3 + 1 + 1 + num_classes] + [base_channels] * 5
        strides = [2 if 2**i < stride else 1 for i in range(3)] + [1, 1]
        dilations = [1, 1, 1, 2, 4]
        layers: list[nn.Module] = []
        for i, (step, dilation) in enumerate(zip(strides, dilations, strict=True)):
            layers += [
                nn.Conv2d(widths[i], widths[i + 1], 3, step, padding=dilation, dilation=dilation),
                nn.GELU(),
            ]
        self.encoder = nn.Sequential(*layers)
        self.projections = nn.ModuleList(nn.Conv2d(base_channels, c, 1) for c in in_channels)
        self.init_weights()

    def init_weights(self) -> None:
        """Zero the last layer: at first nothing is added to the head."""
        for projection in self.projections:
            nn.init.zeros_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(self, signal: FeedbackSignal, sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
        """Features to add to each selected input of the head.

        Args:
            signal: State of the inpainting at this round, at image size (H, W).
            sizes: (h, w) of each selected feature map.

        Returns:
            One (N, C_i, h_i, w_i) tensor for each entry of ``in_channels``; all zero at
            initialisation.
        """
        code = self.encoder(torch.cat(signal.planes(), dim=1))
        return [
            projection(F.interpolate(code, size, mode='bilinear', align_corners=False))
            for projection, size in zip(self.projections, sizes, strict=True)
        ]
