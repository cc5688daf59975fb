"""Between the size of a crop and the size at which the network sees it."""

from __future__ import annotations

import cv2
import numpy as np

from fbinpaint_mm.apis.hole_crop import Box, HoleCrop

# Pixels, chosen by eye: how far along a seam its offset is averaged, as a share of the reach, and
# how far a correction reaches by default.
AVERAGED = 0.25
REACH = 8.0


def resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w) or (h, w, C) pixels at another (height, width).

    Each is the mean of what it covers, or in a larger picture linear between its neighbors.
    """
    if pixels.shape[:2] == tuple(size):
        return pixels
    method = cv2.INTER_LINEAR if _is_larger(size, pixels) else cv2.INTER_AREA
    return cv2.resize(pixels, size[::-1], interpolation=method).reshape(*size, *pixels.shape[2:])


def resize_hole(hole: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A hole at another (height, width): every pixel to which one of the hole contributes.

    Args:
        hole: (h, w) bool.
        size: Height and width, both larger or both smaller.

    Returns:
        bool of that size.
    """
    if hole.shape == tuple(size):
        return hole
    if _is_larger(size, hole):
        return resize(hole.astype(np.float32), size) > 0
    # A pixel at the seam of two smaller ones belongs to both.
    grown = cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    starts = [np.arange(new) * old // new for old, new in zip(hole.shape, size, strict=True)]
    return np.logical_or.reduceat(np.logical_or.reduceat(grown, starts[0], 0), starts[1], 1)


def _is_larger(size: tuple[int, int], plane: np.ndarray) -> bool:
    return max(size) > max(plane.shape[:2])


def resize_labels(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w) uint8 labels at another (height, width), each that of the pixel at its middle."""
    if labels.shape == tuple(size):
        return labels
    return cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def enlarge(plane: np.ndarray, crop: HoleCrop, part: Box, interpolation: int) -> np.ndarray:
    """Part of a crop at the size of the picture.

    Args:
        plane: (h, w) or (h, w, C) of ``crop.size``, what the network made, or of the window's size.
        crop: The crop.
        part: The part of the picture to make; within ``crop.window``.
        interpolation: A flag of OpenCV.

    Returns:
        The array of ``part.size``.
    """
    if plane.shape[:2] == crop.window.size:
        top, left = part.top - crop.window.top, part.left - crop.window.left
        return plane[top : top + part.size[0], left : left + part.size[1]]
    scale_y, scale_x = (
        small / large for small, large in zip(crop.size, crop.window.size, strict=True)
    )
    # Centers of pixels lie at halves.
    shift_x = (part.left - crop.window.left + 0.5) * scale_x - 0.5
    shift_y = (part.top - crop.window.top + 0.5) * scale_y - 0.5
    return cv2.warpAffine(
        plane,
        np.array([[scale_x, 0, shift_x], [0, scale_y, shift_y]]),
        part.size[::-1],
        flags=interpolation | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def close_seam(
    composite: np.ndarray, raw: np.ndarray, hole: np.ndarray, reach: float = REACH
) -> np.ndarray:
    """Shifts the colors at the edge of a hole so that they meet those outside.

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
