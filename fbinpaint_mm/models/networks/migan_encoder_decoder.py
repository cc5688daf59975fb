"""MI-GAN's light encoder-decoder, for both slots of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from fbinpaint_mm.models.networks.guided_stem import (
    check_size,
    stem_channels,
    stem_input,
    take_over_stem,
)
from fbinpaint_mm.user_error import UserError

KERNEL = (1.0, 3.0, 3.0, 1.0)  # binomial, of re-sampling by 2


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU with slope 0.2, in place: at full size new memory costs more than the arithmetic.

    MI-GAN multiplies by the root of 2 and clamps to 256. Here the factor is part of the weights
    before it, and nothing is clamped: activations of the public weights stay below 50.
    """
    return F.leaky_relu(x, 0.2, inplace=True)


def halve(x: Tensor) -> Tensor:
    """Smooths (N, C, H, W) with the binomial kernel and keeps every second pixel."""
    return F.conv2d(x, _kernel(x, 1 / 64), stride=2, padding=1, groups=x.shape[1])


def double(x: Tensor) -> Tensor:
    """Twice the size of (N, C, H, W), smoothed with the binomial kernel; 0 outside the image."""
    kernel = _kernel(x, 1 / 16)
    return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


def _kernel(like: Tensor, scale: float) -> Tensor:
    line = torch.tensor(KERNEL, dtype=like.dtype, device=like.device)
    channels = int(like.shape[1])  # ONNX needs the shape of a kernel: a number, not a traced size
    return (line[:, None] * line * scale).repeat(channels, 1, 1, 1)


class SeparableConv(nn.Module):
    """A 3x3 convolution of each channel, then a 1x1 convolution of all; both activated.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        halves: Whether the features are halved between the two.
        doubles: Whether the features are doubled after them.
        noise_size: Side of the noise map that is added at the end, in pixels; 0: none.
    """

    noise: Tensor | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        halves: bool = False,
        doubles: bool = False,
        noise_size: int = 0,
    ) -> None:
        super().__init__()
        self.halves, self.doubles = halves, doubles
        self.depthwise = nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels)
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        shape = (1, 1, noise_size, noise_size)
        self.register_buffer('noise', torch.zeros(shape) if noise_size else None)
        # PyTorch's own initialization is for other activations: features fade with depth.
        for conv in (self.depthwise, self.pointwise):
            nn.init.kaiming_normal_(conv.weight, a=0.2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H', W') float features."""
        x = activate(self.depthwise(x))
        x = self.pointwise(halve(x) if self.halves else x)
        x = double(x) if self.doubles else x
        return activate(x if self.noise is None else x.add_(tiled(self.noise, x)))


class EncoderScale(nn.Module):
    """One resolution of the encoder.

    Args:
        channels: C, of the features.
        channels_below: C', of those of the next scale.
        is_last: Whether this is the coarsest scale, after which nothing is halved.
    """

    def __init__(self, channels: int, channels_below: int, is_last: bool) -> None:
        super().__init__()
        self.conv1 = SeparableConv(channels, channels)
        self.conv2 = SeparableConv(channels, channels_below, halves=not is_last)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, h, w) -> (N, C, h, w) for the decoder, and (N, C', h / 2, w / 2)."""
        skip = self.conv1(x)
        return skip, self.conv2(skip)


class DecoderScale(nn.Module):
    """One resolution of the decoder.

    Args:
        channels_below: C', of the features of the scale below.
        channels: C, of the features.
        is_last: Whether this is the coarsest scale, with which the decoder begins.
        noise_size: Side of the noise maps, in pixels; the coarsest scale has none.
    """

    def __init__(self, channels_below: int, channels: int, is_last: bool, noise_size: int) -> None:
        super().__init__()
        noise_size = 0 if is_last else noise_size
        self.conv1 = SeparableConv(
            channels_below, channels, doubles=not is_last, noise_size=noise_size
        )
        self.conv2 = SeparableConv(channels, channels, noise_size=noise_size)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(N, C', h / 2, w / 2) and the encoder's (N, C, h, w) -> (N, C, h, w)."""
        return self.conv2(self.conv1(x) + skip)


def tiled(noise: Tensor, like: Tensor) -> Tensor:
    """A noise map (1, 1, S, S), repeated or cut to the height and width of other features."""
    rows, columns = (torch.arange(side) % noise.shape[-1] for side in like.shape[-2:])
    return noise[..., rows, :][..., columns]


class MapModulation(nn.Module):
    """Scales and shifts features pixel by pixel, by the map; it starts without effect.

    ``x * gamma + beta`` (SPADE, Park et al., CVPR 2019, eq. 1, without its normalization, which
    would change what a trained network has learned), from ``gamma`` 1 and ``beta`` 0 on.

    Args:
        num_classes: K, channels of the map.
        channels: C, channels of the features.
        embedding_channels: Channels of the embedded map.
    """

    def __init__(self, num_classes: int, channels: int, embedding_channels: int) -> None:
        super().__init__()
        self.embedding = nn.Conv2d(num_classes, embedding_channels, 3, padding=1)
        # Apart, since halves of one result are not contiguous in channels_last: the backward pass
        # would take two to three times as long.
        self.gamma = nn.Conv2d(embedding_channels, channels, 1)
        self.beta = nn.Conv2d(embedding_channels, channels, 1)
        for convolution, start in ((self.gamma, 1.0), (self.beta, 0.0)):
            nn.init.zeros_(convolution.weight)
            assert convolution.bias is not None
            nn.init.constant_(convolution.bias, start)

    def forward(self, x: Tensor, semantic_map: Tensor) -> Tensor:
        """Modulate features (N, C, h, w) by a soft map (N, K, h, w)."""
        embedded = activate(self.embedding(semantic_map))
        return torch.addcmul(self.beta(embedded), x, self.gamma(embedded))


@MODELS.register_module()
class MIGANEncoderDecoder(BaseModule):
    """MI-GAN's generator (Sargsyan et al., ICCV 2023), modulated by a semantic map.

    Separable convolutions at all scales, with skip connections by addition, and an image that is
    added up from the coarsest scale to the finest. ``tools/convert_migan.py`` makes weights of the
    public file.

    One class serves both slots of the loop. As ``guided`` it also reads the current image and its
    confidence, and the map modulates the features after every scale of the decoder. Both start
    without effect, so that weights of an initial network give the same image.

    Args:
        num_classes: K, channels of the semantic map; 0 for no semantics.
        channels: Width at each scale, from full resolution on, each half as large as the one
            before.
        embedding_channels: Channels of the embedded map at every scale.
        noise_size: Side of the noise maps at full resolution, in pixels; 0 for none. They are
            constants that only weights of the public file fill.
        guided: Whether the network refines a current image (slot ``guided``) or starts from nothing
            (slot ``initial``).
        init_cfg: mmengine initialization, e.g. ``dict(type='Pretrained', checkpoint=...)``.

    Attributes:
        size_divisor: Image sides must be multiples of it, in pixels.

    Raises:
        UserError: If there are fewer than two scales, or if ``noise_size`` cannot be halved as
            often.
    """

    speaks_feedback_interface = True
    reads_map = 'modulation.'  # begin of the names of weights that an initial network has not

    def __init__(
        self,
        num_classes: int = 0,
        channels: Sequence[int] = (64, 128, 256, 512, 512, 512, 512, 512),
        embedding_channels: int = 16,
        noise_size: int = 512,
        guided: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.size_divisor = 2 ** (len(channels) - 1)
        if len(channels) < 2 or noise_size % self.size_divisor:
            raise UserError(
                f'channels {tuple(channels)} with noise_size={noise_size}: expected two scales or '
                f'more, and a noise_size that is a multiple of {self.size_divisor}'
            )
        self.num_classes, self.guided = num_classes, guided
        self.from_image = nn.Conv2d(stem_channels(guided), channels[0], 1)
        below = [*channels[1:], channels[-1]]
        last = len(channels) - 1
        self.encoder = nn.ModuleList(
            EncoderScale(c, down, is_last=scale == last)
            for scale, (c, down) in enumerate(zip(channels, below, strict=True))
        )
        self.decoder = nn.ModuleList(
            DecoderScale(up, c, is_last=scale == last, noise_size=noise_size >> scale)
            for scale, (c, up) in enumerate(zip(channels, below, strict=True))
        )
        self.to_image = nn.ModuleList(nn.Conv2d(c, 3, 1) for c in channels)
        self.modulation = nn.ModuleList(
            MapModulation(num_classes, c, embedding_channels) for c in channels if num_classes
        )

    def forward(
        self,
        masked_img: Tensor,
        mask: Tensor,
        current: Tensor | None = None,
        semantic_map: Tensor | None = None,
        confidence: Tensor | None = None,
    ) -> Tensor:
        """Inpaint.

        Args:
            masked_img: (N, 3, H, W) float in [-1, 1], 0 in the hole; H and W divisible by
                ``size_divisor``. Channels in the order of the weights: RGB for the public ones.
            mask: (N, 1, H, W) float, 1 in the hole.
            current: (N, 3, H, W) float composite of the previous round; needed when ``guided``.
            semantic_map: (N, K, H, W) float class probabilities; needed when ``num_classes > 0``.
            confidence: (N, 1, H, W) float confidence of ``current`` in [0, 1]; needed when
                ``guided``.

        Returns:
            (N, 3, H, W) float raw image, nominally in [-1, 1] and not clamped.

        Raises:
            UserError: If a side is not divisible by ``size_divisor``.
        """
        return self.decode(self.encode(masked_img, mask, current, confidence), semantic_map)

    def encode(
        self,
        masked_img: Tensor,
        mask: Tensor,
        current: Tensor | None = None,
        confidence: Tensor | None = None,
    ) -> list[Tensor]:
        """What does not change between rounds: all but the map has been read.

        Args: see ``forward``.

        Returns:
            (N, c, H / s, W / s) float features for s = 1, 2, 4, ..., and the last of them once more
            as the decoder begins with it.
        """
        check_size(masked_img, self.size_divisor)
        read = stem_input([0.5 - mask, masked_img], self.guided, current, confidence)
        x = activate(self.from_image(read))
        skips = []
        for scale in self.encoder:
            skip, x = scale(x)
            skips.append(skip)
        return [*skips, x]

    def decode(self, features: list[Tensor], semantic_map: Tensor | None = None) -> Tensor:
        """Makes the image of what :meth:`encode` returned and a map; both as for ``forward``."""
        *skips, x = features
        maps = self._maps(semantic_map, len(skips))
        image = x.new_zeros(())
        for scale in reversed(range(len(skips))):
            x = self.decoder[scale](x, skips[scale])
            if self.modulation:
                x = self.modulation[scale](x, maps[scale])
            image = self.to_image[scale](x) + (double(image) if image.dim() else image)
        return image

    def _maps(self, semantic_map: Tensor | None, scales: int) -> list[Tensor]:
        """The map at every scale, reduced by area so that it stays a distribution."""
        if not self.modulation:
            return []
        assert semantic_map is not None, 'a network with num_classes reads a map'
        maps = [semantic_map]
        for _ in range(scales - 1):
            maps.append(F.avg_pool2d(maps[-1], 2))
        return maps

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take over an initial network: what only the guided one reads starts without effect."""
        if self.guided:
            take_over_stem(state_dict, f'{prefix}from_image.weight')
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
