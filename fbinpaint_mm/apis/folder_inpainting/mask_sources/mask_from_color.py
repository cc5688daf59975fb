"""Masks that are painted into the picture with a colour."""

from __future__ import annotations

from typing import Any

import numpy as np

from fbinpaint_mm.apis.folder_inpainting.job import Job
from fbinpaint_mm.apis.folder_inpainting.mask_sources.mask_source import MaskSource
from fbinpaint_mm.apis.picture import TO_8_BIT, Picture


class MaskFromColor(MaskSource):
    """The hole is where the picture has a colour.

    Args:
        color: Red, green and blue in 0..255.
        tolerance: Largest difference in each of the three that still counts, in 0..255. A picture
            that was stored as JPEG needs some, and ``dilation`` at the edge of the hole.
    """

    def __init__(self, color: tuple[int, int, int], tolerance: int = 0) -> None:
        self.color, self.tolerance = tuple(color), tolerance

    def hole(self, job: Job, picture: Picture) -> np.ndarray:
        """See ``MaskSource``."""
        scale = TO_8_BIT[picture.pixels.dtype]
        planes = picture.pixels.reshape(*picture.size, -1)
        hole = np.ones(picture.size, bool)
        for channel, value in enumerate(self.color):  # one by one, for the memory
            plane = planes[..., channel if planes.shape[-1] >= 3 else 0]
            low, high = ((value + sign * self.tolerance) * scale for sign in (-1, 1))
            hole &= (plane >= low) & (plane <= high)
        return hole

    def identity(self, job: Job) -> Any:
        """Colour and tolerance."""
        return ['color', self.color, self.tolerance]
