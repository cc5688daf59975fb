"""The padding that the data preprocessor adds on the right and at the bottom of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def padded(plane: Tensor, image: Tensor, value: int) -> Tensor:
    """A mask or map at the size of the padded image.

    Args:
        plane: (N, C, h, w) mask or map of any dtype, without padding.
        image: (N, 3, H, W) padded image, H >= h and W >= w.
        value: What stands in the padding.

    Returns:
        (N, C, H, W), of the dtype of ``plane``.
    """
    missing = [i - p for i, p in zip(image.shape[-2:], plane.shape[-2:], strict=True)]
    return F.pad(plane, (0, missing[1], 0, missing[0]), value=value)


def cropped(tensor: Tensor, size: Sequence[int]) -> Tensor:
    """Undo the padding.

    Args:
        tensor: (..., H, W) padded, of any dtype.
        size: Height h <= H and width w <= W without padding, in pixels.

    Returns:
        (..., h, w), a view.
    """
    return tensor[..., : size[0], : size[1]]
