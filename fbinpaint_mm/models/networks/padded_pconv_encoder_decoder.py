"""mmagic's partial-convolution network for images of any size."""

from __future__ import annotations

import torch.nn.functional as F
from mmagic.models.editors.pconv import PConvEncoderDecoder
from mmagic.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class PaddedPConvEncoderDecoder(PConvEncoderDecoder):
    """``PConvEncoderDecoder`` that pads its input to the multiple that its layers need.

    Every layer of the encoder halves the image and every layer of the decoder doubles it, so mmagic
    wants sides that are multiples of ``2 ** num_layers``: 128 for its seven layers, which a frame
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
