"""Handling of any mmseg encoder-decoder."""

from __future__ import annotations

from copy import deepcopy

import torch.nn.functional as F
from mmagic.registry import MODELS
from mmseg.models.backbones import UNet
from torch import Tensor, nn

from fbinpaint_mm.models.segmentor_support import check_segmentor_support


def build_segmentor(config: dict) -> nn.Module:
    """Build an mmseg segmentor without its auxiliary heads.

    Args:
        config: Config of an mmseg ``EncoderDecoder``, ``_scope_='mmseg'`` on its outermost dict.

    Returns:
        The segmentor.

    Raises:
        TypeError: If it is not one that the feedback can be linked to.
    """
    check_segmentor_support(config)
    # mmseg writes into the config that it is given; the teacher is built from it once more.
    config = {key: deepcopy(value) for key, value in config.items() if key != 'auxiliary_head'}
    return MODELS.build(config)


def last_decode_head(segmentor: nn.Module) -> nn.Module:
    """The decode head of an mmseg segmentor that makes the final map: the last one of a cascade."""
    head = segmentor.decode_head
    return head[-1] if isinstance(head, nn.ModuleList) else head


def segment(segmentor: nn.Module, image: Tensor) -> Tensor:
    """Logits of an mmseg segmentor at image size.

    The same numbers as its ``encode_decode``, which calls ``forward`` of the decode head and so
    passes by every torch hook on it; and not ``predict``, which un-flips, crops and resizes by meta
    information.

    Args:
        segmentor: An mmseg ``EncoderDecoder`` or ``CascadeEncoderDecoder``.
        image: (N, 3, H, W) float, normalised as the segmentor expects it.

    Returns:
        (N, K, H, W) float logits.
    """
    features = segmentor.extract_feat(image)
    heads = segmentor.decode_head
    heads = heads if isinstance(heads, nn.ModuleList) else [heads]
    logits = heads[0](features)
    for head in heads[1:]:
        logits = head(features, logits)
    # Some heads (EncHead, DAHead) return the map and what only their own losses read.
    logits = logits[0] if isinstance(logits, tuple) else logits
    align_corners = segmentor.align_corners
    return F.interpolate(logits, image.shape[-2:], mode='bilinear', align_corners=align_corners)


def decode_head_config(segmentor: dict) -> dict:
    """Config of the decode head that makes the final map, out of the config of a segmentor."""
    head = segmentor['decode_head']
    return head[-1] if isinstance(head, (list, tuple)) else head


def size_divisor_of(segmentor: nn.Module) -> int:
    """What the sides of a segmentor's image must be multiples of.

    Of mmseg's backbones only the U-Net says no to other sizes; the others pad or interpolate.
    """
    backbone = segmentor.backbone
    if not isinstance(backbone, UNet):
        return 1
    stages = zip(backbone.strides[1:], backbone.downsamples, strict=False)
    return 2 ** sum(stride == 2 or halves for stride, halves in stages)
