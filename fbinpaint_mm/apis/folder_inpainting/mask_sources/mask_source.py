"""What all ways to get a mask have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from fbinpaint_mm.apis.folder_inpainting.job import Job
from fbinpaint_mm.apis.picture import Picture


class MaskSource(ABC):
    """A way to get the hole of a picture.

    Attributes:
        makes_masks: The masks are in no file, so that they are written beside the results.
        fills_alpha: The hole is what is transparent, so that the result is opaque.
    """

    makes_masks: ClassVar[bool] = True
    fills_alpha: ClassVar[bool] = False

    @abstractmethod
    def hole(self, job: Job, picture: Picture) -> np.ndarray:
        """The hole of a picture.

        Args:
            job: Names the files.
            picture: The picture, upright.

        Returns:
            (H, W) bool, True in the hole.

        Raises:
            ValueError: There is no mask for such a picture.
        """

    @abstractmethod
    def identity(self, job: Job) -> Any:
        """All that the hole depends on beside the picture, as JSON can hold it."""
