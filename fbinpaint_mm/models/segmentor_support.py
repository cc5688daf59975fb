"""Which segmentors of mmseg the loop can work with, told from their config alone."""

from __future__ import annotations

from mmagic.registry import MODELS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder

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
        TypeError: If the segmentor is no ``EncoderDecoder``, or a decode head no
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
        raise TypeError(
            f'{role} {found.__name__} cannot receive feedback: it does not derive from '
            f'{base.__name__}; choose {ADVICE[role]}'
        )


def _find_class(name: str, scope: str | None) -> type | None:
    with MODELS.switch_scope_and_registry(scope) as registry:
        return registry.get(name)
