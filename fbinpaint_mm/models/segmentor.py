"""Handling of any mmseg encoder-decoder: whether it fits, how it is built, fed and run."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from mmseg.models.backbones import UNet
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn

from fbinpaint_mm.user_error import UserError


def build_segmentor(config: dict) -> EncoderDecoder:
    """Build an mmseg segmentor without its auxiliary heads.

    Args:
        config: Config of an mmseg ``EncoderDecoder``, ``_scope_='mmseg'`` on its outermost dict.

    Returns:
        The segmentor.

    Raises:
        UserError: If it is not one that the feedback can be linked to.
    """
    check_segmentor_support(config)
    # mmseg writes into the config that it is given; the teacher is built from it once more.
    config = {key: deepcopy(value) for key, value in config.items() if key != 'auxiliary_head'}
    return MODELS.build(config)


def last_decode_head(segmentor: EncoderDecoder) -> BaseDecodeHead:
    """The decode head of an mmseg segmentor that makes the final map: the last one of a cascade."""
    head = segmentor.decode_head
    return head[-1] if isinstance(head, nn.ModuleList) else head


def segment(segmentor: EncoderDecoder, image: Tensor) -> Tensor:
    """Logits of an mmseg segmentor at image size.

    The same numbers as its ``encode_decode``, which calls ``forward`` of the decode head and so
    passes by every torch hook on it; and not ``predict``, which un-flips, crops and resizes by meta
    information.

    Args:
        segmentor: An mmseg ``EncoderDecoder`` or ``CascadeEncoderDecoder``.
        image: (N, 3, H, W) float, normalized as the segmentor expects it.

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


def size_divisor_of(segmentor: EncoderDecoder) -> int:
    """What the sides of a segmentor's image must be multiples of.

    Of mmseg's backbones only the U-Net refuses other sizes; the others pad or interpolate.
    """
    backbone = segmentor.backbone
    if not isinstance(backbone, UNet):
        return 1
    stages = zip(backbone.strides, (False, *backbone.downsamples), strict=False)
    return 2 ** sum(stride == 2 or halves for stride, halves in stages)


ADVICE = dict(
    segmentor='an EncoderDecoder or CascadeEncoderDecoder',
    decode_head="a head that derives from mmseg's BaseDecodeHead and classifies every pixel with "
    'conv_seg (FCNHead, PSPHead, DepthwiseSeparableASPPHead, UPerHead, SegformerHead, LRASPPHead, '
    'OCRHead, ...)',
)


def check_segmentor_support(config: dict) -> None:
    """Refuses what the feedback cannot be linked to, before anything is built.

    Heads that classify masks (Mask2Former, MaskFormer) have no map of pixel features that one layer
    turns into logits, so there is nothing to compare with class prototypes.

    Args:
        config: Config of a segmentor, ``_scope_='mmseg'`` on its outermost dict.

    Raises:
        UserError: If the segmentor is no ``EncoderDecoder``, or a decode head no
            ``BaseDecodeHead``. The message names the type and what is expected.
    """
    _check_class('segmentor', config, EncoderDecoder)
    heads = config['decode_head']
    for head in heads if isinstance(heads, (list, tuple)) else [heads]:
        _check_class('decode_head', head, BaseDecodeHead, config.get('_scope_'))


def _check_class(role: str, config: dict, base: type, scope: str | None = None) -> None:
    kind = config['type']
    found = kind if isinstance(kind, type) else _find_class(kind, config.get('_scope_', scope))
    # An unknown name is for the registry to report, with its own advice.
    if isinstance(found, type) and not issubclass(found, base):
        raise UserError(
            f'{role} {found.__name__} cannot receive feedback: it does not derive from '
            f'{base.__name__}; choose {ADVICE[role]}'
        )


def _find_class(name: str, scope: str | None) -> type | None:
    with MODELS.switch_scope_and_registry(scope) as registry:
        return registry.get(name)


IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class SegmentorInput(nn.Module):
    """From the inpainter's [-1, 1] to the ImageNet-normalized RGB of an mmseg model, and back.

    Both directions are affine and keep gradients.

    Args:
        mean: RGB mean in 0..255.
        std: RGB standard deviation in 0..255.
        channel_order: Order of the inpainter's channels, ``'BGR'`` (mmagic's default) or ``'RGB'``.

    Raises:
        UserError: If ``channel_order`` is neither.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        channel_order: str = 'BGR',
    ) -> None:
        super().__init__()
        if channel_order not in ('BGR', 'RGB'):
            raise UserError(f"channel_order must be 'BGR' or 'RGB', got {channel_order!r}")
        self.flip = channel_order == 'BGR'
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) float in [-1, 1] -> (N, 3, H, W) float RGB, normalized."""
        image = image.flip(1) if self.flip else image
        return (image * 127.5 + 127.5 - self.mean) / self.std

    def inverse(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) float RGB, normalized -> (N, 3, H, W) float in [-1, 1]."""
        image = (image * self.std + self.mean - 127.5) / 127.5
        return image.flip(1) if self.flip else image
