"""mmagic's contextual attention without its NaN."""

from __future__ import annotations

from typing import Any

from mmagic.models.editors.deepfillv1 import ContextualAttentionNeck
from mmagic.registry import MODELS

from fbinpaint_mm.models.networks.finite_attention import keep_attention_finite


@MODELS.register_module()
class FiniteAttentionNeck(ContextualAttentionNeck):
    """``ContextualAttentionNeck`` of DeepFill for holes of any shape.

    mmagic's attention gives NaN for an image whose every patch touches the hole: its softmax is
    over no patch at all. One such image in a batch ends a training. At 64x64 that happens to about
    one of 16 holes of short strokes (none of 300 at 128x128 or more). Here such an image attends to
    all patches; all others get bit-identical results, and checkpoints are the same.

    Args:
        *args: As for ``ContextualAttentionNeck``.
        **kwargs: As for ``ContextualAttentionNeck``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keep_attention_finite(self)
