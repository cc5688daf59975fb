"""Masks that are image files."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fbinpaint_mm.apis.folder_inpainting.job import Job
from fbinpaint_mm.apis.folder_inpainting.mask_sources.mask_source import MaskSource
from fbinpaint_mm.apis.hole_mask import read_hole
from fbinpaint_mm.apis.picture import Picture
from fbinpaint_mm.fingerprint import file_content


class MaskFromFile(MaskSource):
    """The mask is the file that the job names; ``read_hole`` says what is a hole in it."""

    makes_masks: ClassVar[bool] = False

    def hole(self, job: Job, picture: Picture) -> np.ndarray:
        """See ``MaskSource``."""
        return read_hole(job.mask, picture)

    def identity(self, job: Job) -> str:
        """Hash of the file."""
        return file_content(job.mask)
