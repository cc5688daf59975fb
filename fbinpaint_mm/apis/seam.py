"""The seam between what is known and what was painted at a smaller size."""

from __future__ import annotations

import cv2
import numpy as np

# Pixels of the smaller size: how far along a seam its offset is averaged, and how far into the hole
# the correction reaches (it falls to 1/e there). Chosen by eye.
AVERAGED = 2.0
REACH = 8.0


def close_seam(composite: np.ndarray, raw: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Shifts the colours at the edge of a hole so that they meet those outside.

    How far off the network is at a seam is seen on the known side, where it painted too. That
    offset, averaged along the seam, is carried into the hole, where it fades.

    Args:
        composite: (h, w, 3) float32 in 0..255: ``raw`` in the hole, the truth elsewhere.
        raw: (h, w, 3) float32 in 0..255, what the network painted everywhere.
        hole: (h, w) bool.

    Returns:
        (h, w, 3) float32 in 0..255; the composite unchanged outside the hole.
    """
    if hole.all():
        return composite
    known = (~hole).astype(np.float32)
    total = _blurred((composite - raw) * known[..., None])
    weight = _blurred(known)[..., None]
    offset = np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-4)
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    fade = np.exp(-((depth / REACH) ** 2))[..., None]
    return np.where(hole[..., None], (composite + fade * offset).clip(0, 255), composite)


def _blurred(plane: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), AVERAGED)
