"""What the hole of a mask is: one rule for the API, the tools and the data sets."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.picture import has_alpha
from fbinpaint_mm.user_error import UserError


def hole_of(mask: np.ndarray) -> np.ndarray:
    """Finds the hole of a mask: what is painted brighter than half of white, in whatever color.

    tools/run_onnx.py, which is used without this package, repeats the rule.

    Args:
        mask: (H, W), or (H, W, C) of 1 gray, 2 gray and alpha, 3 color or 4 color and alpha: bool,
            integers in 0..65535 or floats in 0..1. White is 1 for floats and where integers are all
            0 or 1, else 255, or 65535 where one is above 255.

    Returns:
        (H, W) bool, where the brightest of the colors is above half of white. What is fully
        transparent is no hole; with how much alpha the rest was painted does not matter.

    Raises:
        UserError: Shape, data type or values are none of these.
    """
    _check(mask)
    planes = mask.reshape(*mask.shape[:2], -1)
    if has_alpha(mask):
        planes = planes[..., :-1] * (planes[..., -1:] > 0)
    brightest = planes.max(-1)
    return brightest > _white_of(brightest) / 2


def _check(mask: np.ndarray) -> None:
    channels = mask.shape[2] if mask.ndim == 3 else 1
    if mask.ndim not in (2, 3) or not 1 <= channels <= 4 or 0 in mask.shape:
        raise UserError(
            f'mask: found an array of shape {mask.shape}, expected (H, W) or (H, W, C) with C '
            'from 1 to 4'
        )
    if mask.dtype.kind not in 'biuf':
        raise UserError(
            f'mask: found data type {mask.dtype}, expected bool, integers or floats in 0..1'
        )
    low, high = mask.min(), mask.max()
    limit = 1.0 if mask.dtype.kind == 'f' else 65535
    if not (low >= 0 and high <= limit):  # also where a value is not a number
        raise UserError(
            f'mask: found values from {low} to {high} of type {mask.dtype}, expected 0 to {limit:g}'
        )


def _white_of(brightest: np.ndarray) -> float:
    """The value of white, by the largest value."""
    return next(white for white in (1.0, 255.0, 65535.0) if brightest.max() <= white)
