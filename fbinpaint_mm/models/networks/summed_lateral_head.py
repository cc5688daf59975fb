"""A light decode head of mmseg for backbones with feature maps of many sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from mmagic.registry import MODELS
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn


@MODELS.register_module()
class SummedLateralHead(BaseDecodeHead):
    """Sums 1x1 convolutions of all feature maps from the coarsest to the finest, then classifies.

    The top-down path of feature pyramid networks (Lin et al., CVPR 2017) with a single 3x3
    convolution at its end. mmseg's ``SegformerHead`` concatenates all maps at the finest size
    instead, which costs more. Inside a config of mmseg write ``type='mmagic.SummedLateralHead'``.

    Args:
        **kwargs: Of mmseg's ``BaseDecodeHead``, without ``input_transform``; ``in_channels`` and
            ``in_index`` are lists, the finest map first.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_transform='multiple_select', **kwargs)
        self.laterals = nn.ModuleList(nn.Conv2d(c, self.channels, 1) for c in self.in_channels)
        self.fusion_conv = ConvModule(
            self.channels,
            self.channels,
            3,
            padding=1,
            conv_cfg=self.conv_cfg,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg,
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Logits at the size of the finest map.

        Args:
            inputs: Feature maps of the backbone, (N, C_i, h_i, w_i) float each, C_i being
                ``in_channels``.

        Returns:
            (N, K, h, w) float logits of the ``num_classes`` K at the size of the first map.
        """
        selected = self._transform_inputs(inputs)
        maps = [lateral(x) for lateral, x in zip(self.laterals, selected, strict=True)]
        total = maps.pop()
        for finer in reversed(maps):
            total = finer + F.interpolate(
                total, finer.shape[-2:], mode='bilinear', align_corners=self.align_corners
            )
        return self.cls_seg(self.fusion_conv(total))
