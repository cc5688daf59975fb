"""Two rounds in one image: the mean of their low frequencies, the detail of the later one."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def merge_low_frequencies(
    composite: Tensor, before: Tensor, mask: Tensor, sigma: float, own: Tensor | None = None
) -> Tensor:
    """Replaces the low frequencies of an image, in its hole, by the mean with those of another.

    Two networks make different errors, and that of the mean is smaller. The mean of their detail
    would be blurred, so the detail is that of ``composite`` alone.

    Args:
        composite: (N, 3, H, W) float image of a round, in [-1, 1].
        before: (N, 3, H, W) float image of the round before, the same outside the hole.
        mask: (N, 1, H, W) float, 1 in the hole.
        sigma: Standard deviation of the Gaussian that parts low from high frequencies, in pixels.
        own: (N, 1, H, W) bool, where ``before`` does not count; ``None`` for nowhere.

    Returns:
        (N, 3, H, W) float in [-1, 1], of the dtype of ``composite``, equal to it outside the hole.
    """
    difference = (before - composite) / 2
    if own is not None:
        difference = difference.masked_fill(own, 0)
    low = gaussian_blur(difference, sigma)
    merged = (composite + low.to(composite.dtype)).clamp(-1, 1)
    return torch.where(mask > 0.5, merged, composite)


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Blur that reaches three sigmas, or less in a small image; the border is mirrored.

    torchvision's makes a kernel of unknown shape where sizes are traced, which ONNX refuses.

    Args:
        image: (N, 3, H, W) float.
        sigma: In pixels.

    Returns:
        (N, 3, H, W) float.
    """
    reach = min(math.ceil(3 * sigma), int(min(image.shape[-2:])) - 1)
    window = [math.exp(-((step / sigma) ** 2) / 2) for step in range(-reach, reach + 1)]
    row = torch.tensor([[[window]]] * 3, dtype=image.dtype, device=image.device) / sum(window)
    padded = F.pad(image, [reach] * 4, mode='reflect')
    return F.conv2d(F.conv2d(padded, row, groups=3), row.transpose(-2, -1), groups=3)
