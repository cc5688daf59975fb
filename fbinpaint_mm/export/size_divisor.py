"""What image sides a model takes."""

from __future__ import annotations

import math

from fbinpaint_mm.models import FeedbackRecorrectionLoop


def size_divisor(loop: FeedbackRecorrectionLoop) -> int:
    """Number that height and width must be multiples of, for all networks of a loop.

    Args:
        loop: Any loop. Its inpainting networks state their ``size_divisor``; of the segmentors,
            mmseg's U-Net needs a multiple of its whole down-sampling, others take any size.

    Returns:
        The divisor, 1 if every size will do.
    """
    divisors = [getattr(network, 'size_divisor', 1) for network in (loop.initial, loop.guided)]
    if loop.segmentor is not None:
        backbone = loop.segmentor.backbone
        downsamples = getattr(backbone, 'downsamples', ())
        strides = getattr(backbone, 'strides', ()) if downsamples else ()
        # As UNet._check_input_devisible: stage i > 0 halves by its stride or by pooling.
        divisors += [2 ** sum(s == 2 or d for s, d in zip(strides[1:], downsamples, strict=True))]
    return math.lcm(*divisors)
