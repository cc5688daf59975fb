"""Networks of mmagic that fail as they are: the same layers and checkpoints, repaired."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from mmagic.models.archs import SoftMaskPatchDiscriminator
from mmagic.models.editors.deepfillv1 import ContextualAttentionModule, ContextualAttentionNeck
from mmagic.models.editors.pconv import PConvEncoderDecoder
from mmagic.models.utils import generation_init_weights
from mmagic.registry import MODELS
from torch import Tensor, nn


def keep_attention_finite(network: nn.Module) -> None:
    """Keeps mmagic's contextual attention from giving NaN; all else stays bit-identical.

    Its softmax over patches is over none where every patch of an image touches the hole. Such an
    image attends to all patches. It also runs where the weights are ``channels_last``.

    Args:
        network: Any network; each ``ContextualAttentionModule`` in it gets a hook.
    """
    for module in network.modules():
        if isinstance(module, ContextualAttentionModule):
            module.register_forward_pre_hook(_unmask_where_nothing_is_left)


def _unmask_where_nothing_is_left(
    module: ContextualAttentionModule, inputs: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """The inputs of the attention, without the mask for images whose patches all touch the hole."""
    features, context, mask = inputs
    small = F.interpolate(mask, scale_factor=module.scale)
    touched = F.max_pool2d(
        small,
        module.unfold_corr_kernel_size,
        module.unfold_corr_stride,
        module.unfold_corr_padding,
        module.unfold_corr_dilation,
    )
    nothing_left = touched.amin(dim=(1, 2, 3), keepdim=True)
    # It takes views that only features in the order (N, C, H, W) have.
    return features.contiguous(), context.contiguous(), mask * (1.0 - nothing_left)


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


@MODELS.register_module()
class PaddedPConvEncoderDecoder(PConvEncoderDecoder):
    """``PConvEncoderDecoder`` that pads its input to the multiple that its layers need.

    Every layer of the encoder halves the image and every layer of the decoder doubles it, so mmagic
    needs sides that are multiples of ``2 ** num_layers``: 128 for its seven layers, which a frame
    of 288x384 is not. Padding is added on the right and at the bottom and marked as unknown, which
    is what partial convolutions do at the border anyway, and cut off again. Where no padding is
    needed the result is bit-identical to mmagic's; checkpoints are the same.

    Args:
        encoder: Config of ``PConvEncoder``.
        decoder: Config of ``PConvDecoder`` with as many layers.
    """

    def forward(self, x: Tensor, mask_in: Tensor) -> tuple[Tensor, Tensor]:
        """Inpaint.

        Args:
            x: (N, 3, H, W) float masked images in [-1, 1].
            mask_in: (N, 3, H, W) float, 1 where the image is known and 0 in the hole.

        Returns:
            Image, about in [-1, 1], and validity after the last layer, both (N, 3, H, W) float.
        """
        height, width = x.shape[-2:]
        multiple = 2**self.encoder.num_layers
        pad = (0, -width % multiple, 0, -height % multiple)
        image, validity = super().forward(F.pad(x, pad), F.pad(mask_in, pad))
        return image[..., :height, :width], validity[..., :height, :width]


@MODELS.register_module()
class InitializablePatchDiscriminator(SoftMaskPatchDiscriminator):
    """``SoftMaskPatchDiscriminator`` of AOT-GAN whose ``init_weights`` ends.

    mmagic initializes all layers in one call that reports what it did to each of them, and fails
    with ``UnboundLocalError`` at the first that has no weights, an activation: no Runner can train
    mmagic's own AOT-GAN configuration. Here the same is done to the convolutions, one by one.
    """

    def init_weights(self) -> None:
        """Initialize the convolutions as mmagic means to."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                generation_init_weights(layer, self.init_type, self.init_gain)
        self._is_init = True
