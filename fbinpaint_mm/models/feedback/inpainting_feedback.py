"""Feedback from the inpainting to a decode head: its signal, confidence and encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor, nn

from fbinpaint_mm.user_error import UserError

MIN_SCALE = 0.01  # smallest error that is expected, in units of the [-1, 1] image range


@dataclass
class FeedbackSignal:
    """State of the inpainting at one round, as seen by a decode head.

    Args:
        current: (N, 3, H, W) float composite of the previous round, in [-1, 1].
        mask: (N, 1, H, W) float, 1 in the hole.
        confidence: (N, 1, H, W) float in [0, 1], how far the pixels of ``current`` can be trusted;
            1 outside the hole.
        previous_map: (N, K, H, W) float class probabilities of the previous round; all 0 before the
            first.
        strength: 0-d float tensor in [0, 1] that scales the feedback.
    """

    current: Tensor
    mask: Tensor
    confidence: Tensor
    previous_map: Tensor
    strength: Tensor

    def planes(self) -> list[Tensor]:
        """The tensors that the feedback encoder reads: 3 + 1 + 1 + K channels."""
        return [self.current, self.mask, self.confidence, self.previous_map]

    def reduced(self, side: int | None) -> FeedbackSignal:
        """The same, no longer than ``side`` pixels; ``None`` for any size.

        The sides of what is reduced are multiples of 32, so that every backbone takes them.
        """
        sides = self.mask.shape[-2:]
        if side is None or max(sides) <= side:
            return self
        size = [max(1, round(one * side / max(sides) / 32)) * 32 for one in sides]
        planes = [F.interpolate(plane, size, mode='bilinear') for plane in self.planes()]
        current, mask, confidence, previous_map = planes
        return replace(
            self, current=current, mask=mask, confidence=confidence, previous_map=previous_map
        )


@MODELS.register_module()
class InpaintingConfidence(nn.Module):
    """Predicts the expected absolute error of an inpainted image, pixel by pixel.

    It reads the composite and the mask only, so it serves any inpainting network. It is trained
    with the Laplace likelihood (Kendall & Gal, NeurIPS 2017, eq. 5 with an L1 residual) on detached
    images: the image is never made worse to be easier to predict.

    Args:
        base_channels: Width of its four convolutions.
    """

    def __init__(self, base_channels: int = 16) -> None:
        super().__init__()
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
            (N, 1, H, W) float32 error scale, at least ``MIN_SCALE``, in units of the [-1, 1] image
            range.
        """
        code = self.layers(torch.cat([current.detach(), mask], dim=1)).float()
        code = F.interpolate(code, current.shape[-2:], mode='bilinear', align_corners=False)
        return F.softplus(code - 1) + MIN_SCALE


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


@MODELS.register_module()
class InpaintingFeedback(nn.Module):
    """Turns the state of the inpainting into summands for the inputs of a decode head.

    The state is the current image, the hole mask, the inpainting confidence and the previous
    round's map. A small convolutional encoder reads it at ``1 / stride`` of the image; one
    zero-initialized 1x1 convolution for each input of the head then makes the summand, so that a
    pre-trained head starts unchanged.

    Args:
        num_classes: K, channels of the previous map.
        in_channels: Channels of each feature map that the head selects, in the order of its
            ``in_index``; a number for a single one. It is the ``in_channels`` of the head's config.
        base_channels: Width of the encoder.
        stride: Down-sampling of the encoder, 1, 2, 4 or 8.

    Raises:
        UserError: If ``stride`` is none of 1, 2, 4, 8.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int | Sequence[int],
        base_channels: int = 32,
        stride: int = 4,
    ) -> None:
        super().__init__()
        if stride not in (1, 2, 4, 8):
            raise UserError(f'stride of InpaintingFeedback must be 1, 2, 4 or 8, got {stride}')
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
        channels = [in_channels] if isinstance(in_channels, int) else in_channels
        self.projections = nn.ModuleList(nn.Conv2d(base_channels, c, 1) for c in channels)
        self.init_weights()

    def init_weights(self) -> None:
        """Zero the last layer: at first nothing is added to the head."""
        for parameter in self.projections.parameters():
            nn.init.zeros_(parameter)

    def forward(self, signal: FeedbackSignal, sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
        """Features to add to each selected input of the head.

        Args:
            signal: State of the inpainting at this round, at image size (H, W).
            sizes: (h, w) of each selected feature map.

        Returns:
            One (N, C_i, h_i, w_i) tensor for each entry of ``in_channels``; all zero at
            initialization.
        """
        code = self.encoder(torch.cat(signal.planes(), dim=1))
        return [
            projection(F.interpolate(code, size, mode='bilinear', align_corners=False))
            for projection, size in zip(self.projections, sizes, strict=True)
        ]
