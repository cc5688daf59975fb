"""Masks that are the transparent part of the picture."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fbinpaint_mm.apis.folder_inpainting.job import Job
from fbinpaint_mm.apis.folder_inpainting.mask_sources.mask_source import MaskSource
from fbinpaint_mm.apis.picture import Picture


class MaskFromAlpha(MaskSource):
    """The hole is what is not fully opaque, as an eraser leaves it; the result is opaque.

    Half-transparent pixels belong to the hole: at the soft edge of an eraser, and they would stay
    half-transparent otherwise.
    """

    fills_alpha: ClassVar[bool] = True

    def hole(self, job: Job, picture: Picture) -> np.ndarray:
        """See ``MaskSource``."""
        pixels = picture.pixels
        if pixels.ndim == 2 or pixels.shape[-1] not in (2, 4):
            raise ValueError('has no alpha channel to take the hole from')
        return pixels[..., -1] < np.iinfo(pixels.dtype).max

    def identity(self, job: Job) -> str:
        """A word: all else is in the picture."""
        return 'alpha'
