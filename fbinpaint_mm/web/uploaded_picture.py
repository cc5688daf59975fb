"""Pictures as users upload them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from fbinpaint_mm.apis.picture import read_picture

# The rounds of a picture take about 10 bytes for each pixel and round: 1.6 GB for this size and
# three rounds. Larger pictures are for tools/inpaint.py, which keeps the last round only.
MAX_MEGAPIXELS = 40


def read_uploaded(path: str) -> np.ndarray:
    """Reads a picture that a user has uploaded.

    Args:
        path: File on the server.

    Returns:
        (H, W) or (H, W, C) upright pixels, see :class:`fbinpaint_mm.apis.picture.Picture`.

    Raises:
        ValueError: If it is no image, damaged or too large. The message is for the user, who knows
            the name of the file, but not where the server keeps it.
    """
    try:
        _check_size(path)
        return read_picture(path, 'picture').pixels
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(str(error).replace(path, Path(path).name)) from error


def _check_size(path: str) -> None:
    """Looks at the header only: nothing is decoded yet."""
    with Image.open(path) as image:
        width, height = image.size
    if width * height > MAX_MEGAPIXELS * 1e6:
        raise ValueError(
            f'The picture has {width * height / 1e6:.0f} megapixels ({width}x{height}); this page '
            f'takes up to {MAX_MEGAPIXELS}. tools/inpaint.py has no such limit.'
        )
