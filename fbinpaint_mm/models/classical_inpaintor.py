"""Inpainting without learning: OpenCV's two methods and the mean color."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from mmagic.registry import MODELS
from torch import Tensor

from fbinpaint_mm.models.fixed_inpaintor import FixedInpaintor
from fbinpaint_mm.user_error import UserError

OPENCV_FLAGS = dict(telea=cv2.INPAINT_TELEA, navier_stokes=cv2.INPAINT_NS)
CLASSICAL_METHODS = (*OPENCV_FLAGS, 'mean_color')
MID_GRAY = 127.5


@MODELS.register_module()
class ClassicalInpaintor(FixedInpaintor):
    """The baselines that any network must beat.

    ``'telea'`` is the fast marching method (Telea 2004) and ``'navier_stokes'`` the fluid dynamics
    method (Bertalmio et al. 2001) of ``cv2.inpaint``, which work on 8-bit BGR images;
    ``'mean_color'`` is the mean of the known pixels of the image in each channel. Where nothing is
    known, every method gives mid gray, 127.5.

    Args:
        method: ``'telea'``, ``'navier_stokes'`` or ``'mean_color'``.
        radius: Neighborhood of a pixel that OpenCV's methods read (``inpaintRadius``), in pixels.
        data_preprocessor: See :class:`FixedInpaintor`.

    Raises:
        UserError: If the method is unknown or the radius is not positive.
    """

    def __init__(
        self, method: str = 'telea', radius: float = 3.0, data_preprocessor: dict | None = None
    ) -> None:
        super().__init__(data_preprocessor)
        if method not in CLASSICAL_METHODS:
            raise UserError(
                f'method: found {method!r}, expected one of {", ".join(CLASSICAL_METHODS)}'
            )
        if radius <= 0:
            raise UserError(f'radius must be a positive number of pixels, got {radius}')
        self.method = method
        self.radius = radius

    def extra_repr(self) -> str:
        """The method."""
        return f'method={self.method!r}'

    def fill(self, image: Tensor, hole: Tensor) -> Tensor:
        """One (3, H, W) image in 0..255 with one (1, H, W) bool hole, filled."""
        if hole.all():
            return torch.full_like(image, MID_GRAY)
        if self.method == 'mean_color':
            mean = image[:, ~hole[0]].mean(dim=1)
            return mean[:, None, None].expand_as(image)
        # OpenCV lets a little of what is in a hole at the border through.
        gray = image.masked_fill(hole, MID_GRAY).permute(1, 2, 0)
        pixels = np.ascontiguousarray(gray.cpu().numpy().astype(np.uint8))
        mask = hole[0].cpu().numpy().astype(np.uint8)
        filled = cv2.inpaint(pixels, mask, self.radius, OPENCV_FLAGS[self.method])
        return torch.from_numpy(filled).permute(2, 0, 1).to(image)
