"""The seam between what is known and what was painted at a smaller size."""

from __future__ import annotations

import cv2
import numpy as np

# Pixels, chosen by eye: how far along a seam its offset is averaged, as a share of the reach, and
# how far a correction reaches by default.
AVERAGED = 0.25
REACH = 8.0


def close_seam(
    composite: np.ndarray, raw: np.ndarray, hole: np.ndarray, reach: float = REACH
) -> np.ndarray:
    """Shifts the colours at the edge of a hole so that they meet those outside.

    How far off a painting is at a seam is seen on the known side, where there is paint too. That
    offset, averaged along the seam, is carried into the hole, where it fades.

    Args:
        composite: (h, w, 3) float32 in 0..255: ``raw`` in the hole, the truth elsewhere.
        raw: (h, w, 3) float32 in 0..255, what was painted everywhere.
        hole: (h, w) bool.
        reach: Depth in the hole, in pixels, where the correction has fallen to 1/e.

    Returns:
        (h, w, 3) float32 in 0..255; the composite unchanged outside the hole.
    """
    if hole.all():
        return composite
    known = (~hole).astype(np.float32)
    sigma = AVERAGED * reach
    total = cv2.GaussianBlur((composite - raw) * known[..., None], (0, 0), sigma)
    weight = cv2.GaussianBlur(known, (0, 0), sigma)[..., None]
    offset = np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-4)
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    fade = np.exp(-((depth / reach) ** 2))[..., None]
    return np.where(hole[..., None], (composite + fade * offset).clip(0, 255), composite)
