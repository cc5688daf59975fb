"""Two rounds in one image: what both agree on in the large, the detail of the later one."""

from __future__ import annotations

import math

from torch import Tensor
from torchvision.transforms.functional import gaussian_blur


def merge_low_frequencies(composite: Tensor, before: Tensor, mask: Tensor, sigma: float) -> Tensor:
    """Replaces the low frequencies of an image, in its hole, by the mean with those of another.

    Errors of two networks are not the same, so that those of the mean are smaller. Of detail a mean
    would be blurred: it is that of ``composite`` alone.

    Args:
        composite: (N, 3, H, W) float image of a round.
        before: (N, 3, H, W) float image of the round before, the same outside the hole.
        mask: (N, 1, H, W) float, 1 in the hole.
        sigma: Standard deviation of the Gaussian that parts low from high frequencies, in pixels.

    Returns:
        (N, 3, H, W) float, of the dtype of ``composite`` and equal to it outside the hole.
    """
    reach = min(math.ceil(3 * sigma), int(min(composite.shape[-2:])) - 1)  # border: mirrored
    low = gaussian_blur((before - composite) / 2, 2 * reach + 1, sigma)
    return composite + mask * low.to(composite.dtype)
