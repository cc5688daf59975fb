"""Pictures for the screen."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.apis.picture import TO_8_BIT
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
    planes = image.reshape(*image.shape[:2], -1) / TO_8_BIT[image.dtype]
    has_alpha = planes.shape[-1] in (2, 4)
    color = planes[..., :-1] if has_alpha else planes
    color = np.broadcast_to(color, (*image.shape[:2], 3))
    if has_alpha:
        alpha = planes[..., -1:] / 255
        color = alpha * color + (1 - alpha) * np.array(PAPER)
    return color.round().astype(np.uint8)


def fit_screen(image: np.ndarray, smooth: bool = True) -> np.ndarray:
    """A picture at a size to look at and to paint on, its pixels enlarged without blur.

    Args:
        image: (H, W) or (H, W, C) uint8.
        smooth: Whether pixels are averaged where the picture is reduced; not those of a map.

    Returns:
        (h, w) or (h, w, C) uint8, of the same aspect as far as whole pixels allow.
    """
    return rescale(image, cell_scale(*image.shape[:2], SMALLEST, LARGEST), smooth)
