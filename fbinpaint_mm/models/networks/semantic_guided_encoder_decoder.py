"""An encoder-decoder for inpainting that reads a soft semantic map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmagic.models.archs import SimpleGatedConvModule
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


class SemanticModulation(nn.Module):
    """Normalizes features, then scales and shifts them pixel by pixel, by the map.

    ``norm(x) * (1 + gamma) + beta`` (SPADE, Park et al., CVPR 2019, eq. 1), with group
    normalization instead of batch normalization, for small batches. SPADE embeds the map anew
    in every layer; here all layers of one scale share a :class:`SemanticEmbedding`, and gamma and
    beta are 1x1 convolutions of it, at a small fraction of the cost. Without semantics this is an
    affine normalization alone.

    Args:
        channels: C, channels of the features; divisible by ``groups``.
        embedding_channels: E, channels of the embedded map; 0 for no semantics.
        groups: Groups of the normalization.
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
        """Take over the affine normalization of a network without semantics, if given one."""
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


STRIDES = (1, 2, 4)  # of the three scales: full, half and quarter resolution


@MODELS.register_module()
class SemanticGuidedEncoderDecoder(BaseModule):
    """Gated encoder, dilated residual trunk and decoder, modulated by the map at three scales.

    One class serves both slots of the loop. As ``initial`` it reads the masked image and the mask.
    As ``guided`` it also reads the current image and its confidence. It predicts the whole image,
    not a residual to the current one: a residual that starts at zero was tried and stayed there
    (the L1 loss of an image that is already right on average gives it no direction to go).

    Args:
        num_classes: K, channels of the semantic map; 0 for no semantics.
        base_channels: Width at full resolution, doubled at each of the two down-samplings;
            divisible by 4.
        dilations: One residual block of the trunk, at a quarter of the resolution, for each entry.
        guided: Whether the network refines a current image (slot ``guided``) or starts from nothing
            (slot ``initial``).
        init_cfg: mmengine initialization, e.g. ``dict(type='Pretrained', checkpoint=...)``.

    Raises:
        UserError: If ``base_channels`` is not divisible by 4, or if an image side is not divisible
            by 4.
    """

    speaks_feedback_interface = True
    size_divisor = 4
    reads_map = 'embeddings.'  # begin of the names of weights that an initial network has not

    def __init__(
        self,
        num_classes: int = 0,
        base_channels: int = 64,
        dilations: Sequence[int] = (1, 2, 4, 8, 1, 2, 4, 8),
        guided: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if base_channels % 4:
            raise UserError(f'base_channels must be divisible by 4, got {base_channels}')
        self.num_classes = num_classes
        self.guided = guided
        c = base_channels
        self.stem = _gated(stem_channels(guided), c, kernel_size=5, padding=2)
        self.down1 = _gated(c, 2 * c, kernel_size=3, stride=2, padding=1)
        self.down2 = _gated(2 * c, 4 * c, kernel_size=3, stride=2, padding=1)
        widths = [c, c, 2 * c] if num_classes else [0, 0, 0]
        self.embeddings = nn.ModuleList(SemanticEmbedding(num_classes, e) for e in widths if e)
        self.trunk = nn.ModuleList(
            ModulatedResidualBlock(4 * c, widths[2], dilation) for dilation in dilations
        )
        self.up1 = nn.Conv2d(4 * c, 2 * c, 3, padding=1)
        self.block1 = ModulatedResidualBlock(2 * c, widths[1])
        self.up2 = nn.Conv2d(2 * c, c, 3, padding=1)
        self.block2 = ModulatedResidualBlock(c, widths[0])
        self.to_image = nn.Conv2d(c, 3, 3, padding=1)

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
            masked_img: (N, 3, H, W) float in [-1, 1], 0 in the hole; H and W divisible by 4.
            mask: (N, 1, H, W) float, 1 in the hole.
            current: (N, 3, H, W) float composite of the previous round; needed when ``guided``.
            semantic_map: (N, K, H, W) float class probabilities; needed when ``num_classes > 0``.
            confidence: (N, 1, H, W) float confidence of ``current`` in [0, 1]; needed when
                ``guided``.

        Returns:
            (N, 3, H, W) float raw image, nominally in [-1, 1] and not clamped.
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
            (N, base_channels * s, H / s, W / s) float features for s = 1, 2, 4.
        """
        check_size(masked_img, self.size_divisor)
        full = self.stem(stem_input([masked_img, mask], self.guided, current, confidence))
        half = self.down1(full)
        return [full, half, self.down2(half)]

    def decode(self, features: list[Tensor], semantic_map: Tensor | None = None) -> Tensor:
        """Makes the image of what :meth:`encode` returned and a map; both as for ``forward``."""
        full, half, x = features
        embedded = self._embed(semantic_map)
        for block in self.trunk:
            x = block(x, embedded[2])
        x = self.block1(half + self.up1(_double(x)), embedded[1])
        x = self.block2(full + self.up2(_double(x)), embedded[0])
        return self.to_image(F.gelu(x))

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take over the stem of an initial network: what only the guided one reads starts at 0."""
        if self.guided:
            take_over_stem(state_dict, f'{prefix}stem.conv.conv.weight')
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def _embed(self, semantic_map: Tensor | None) -> list[Tensor | None]:
        if not self.embeddings:
            return [None] * len(STRIDES)
        return [
            embed(semantic_map, stride)
            for embed, stride in zip(self.embeddings, STRIDES, strict=True)
        ]


def _gated(in_channels: int, out_channels: int, **kwargs: int) -> nn.Module:
    return SimpleGatedConvModule(
        in_channels,
        out_channels,
        feat_act_cfg=dict(type='ELU'),
        gate_act_cfg=dict(type='Sigmoid'),
        **kwargs,
    )


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)
