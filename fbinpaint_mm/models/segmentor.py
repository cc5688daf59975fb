"""Handling of any mmseg encoder-decoder."""

from __future__ import annotations

from mmagic.registry import MODELS
from torch import Tensor, nn


def build_segmentor(config: dict) -> nn.Module:
    """Build an mmseg segmentor without its auxiliary heads.

    Args:
        config: Config of an mmseg ``EncoderDecoder``, ``_scope_='mmseg'`` on its outermost dict.

    Returns:
        The segmentor.
    """
    config = {key: value for key, value in config.items() if key != 'auxiliary_head'}
    return MODELS.build(config)


def last_decode_head(segmentor: nn.Module) -> nn.Module:
    """The decode head of an mmseg segmentor that makes the final map: the last one of a cascade."""
    head = segmentor.decode_head
    return head[-1] if isinstance(head, nn.ModuleList) else head


def segment(segmentor: nn.Module, image: Tensor) -> Tensor:
    """Logits of an mmseg segmentor at image size.

    ``encode_decode``, and not ``predict``, because the latter un-flips, crops and resizes by meta
    information.

    Args:
        segmentor: An mmseg ``EncoderDecoder``.
        image: (N, 3, H, W) float, normalised as the segmentor expects it.

    Returns:
        (N, K, H, W) float logits.
    """
    meta = dict(img_shape=tuple(image.shape[-2:]))
    return segmentor.encode_decode(image, [meta] * image.shape[0])


def decode_head_config(segmentor: dict) -> dict:
    """Config of the decode head that makes the final map, out of the config of a segmentor."""
    head = segmentor['decode_head']
    return head[-1] if isinstance(head, (list, tuple)) else head
