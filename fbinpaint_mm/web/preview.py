"""Pictures for the screen."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.apis.picture import to_8_bits
from fbinpaint_mm.visualization.drawing import PAPER, cell_scale, rescale

# Sides in pixels: smaller pictures are enlarged for painting, larger ones reduced.
SMALLEST = 384
LARGEST = 1024


def for_screen(image: np.ndarray) -> np.ndarray:
    """A picture of any format as an opaque 8-bit one.

    Args:
        image: (H, W) or (H, W, C) uint8 or uint16, C as :class:`fbinpaint_mm.apis.picture.Picture`
            has it.

    Returns:
        (H, W, 3) uint8 RGB, on white where the picture is transparent.
    """
    color = to_8_bits(image).reshape(*image.shape[:2], -1)
    if color.shape[-1] in (2, 4):
        color = _on_paper(color[..., :-1], color[..., -1:])
    return np.ascontiguousarray(np.broadcast_to(color, (*image.shape[:2], 3)))


def _on_paper(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """uint8; in whole numbers, since floats of a photograph would take gigabytes."""
    alpha = alpha.astype(np.uint16)
    mixed = alpha * color + (255 - alpha) * np.uint16(PAPER)
    return ((mixed + 127) // 255).astype(np.uint8)


def fit_screen(image: np.ndarray, smooth: bool = True) -> np.ndarray:
    """A picture at a size to look at and to paint on, its pixels enlarged without blur.

    Args:
        image: (H, W) or (H, W, C) uint8 or float32.
        smooth: Whether pixels are averaged where the picture is reduced; not those of a map.

    Returns:
        (h, w) or (h, w, C) of that data type and the same aspect, as far as whole pixels allow.
    """
    return rescale(image, cell_scale(*image.shape[:2], SMALLEST, LARGEST), smooth)
