"""Inpainting without learning: OpenCV's two methods and the mean color."""

from __future__ import annotations

from typing import Any, NoReturn

import cv2
import numpy as np
import torch
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.model import BaseModel
from torch import Tensor

from fbinpaint_mm.models.round_samples import split_predictions
from fbinpaint_mm.user_error import UserError

OPENCV_FLAGS = dict(telea=cv2.INPAINT_TELEA, navier_stokes=cv2.INPAINT_NS)
CLASSICAL_METHODS = (*OPENCV_FLAGS, 'mean_color')
MID_GRAY = 127.5


@MODELS.register_module()
class ClassicalInpaintor(BaseModel):
    """The baselines that any network must beat; for validation, test and benchmarks only.

    ``'telea'`` is the fast marching method (Telea 2004) and ``'navier_stokes'`` the fluid dynamics
    method (Bertalmio et al. 2001) of ``cv2.inpaint``, which work on 8-bit BGR images;
    ``'mean_color'`` is the mean of the known pixels of the image in each channel. Where nothing is
    known, every method gives mid gray, 127.5. Known pixels of the result are bit-identical to the
    input. It runs on the CPU; images on another device are fetched and results returned to it.

    Args:
        method: ``'telea'``, ``'navier_stokes'`` or ``'mean_color'``.
        radius: Neighborhood of a pixel that OpenCV's methods read (``inpaintRadius``), in pixels.
        data_preprocessor: Config of an mmagic ``DataPreprocessor``; default
            :class:`SemiSupervisedDataPreprocessor`.

    Raises:
        UserError: If the method is unknown or the radius is not positive.
    """

    def __init__(
        self, method: str = 'telea', radius: float = 3.0, data_preprocessor: dict | None = None
    ) -> None:
        # Built here, in mmagic's registry: mmengine would look in the scope of the moment.
        config = data_preprocessor or dict(type='SemiSupervisedDataPreprocessor')
        super().__init__(data_preprocessor=MODELS.build(config))
        if method not in CLASSICAL_METHODS:
            raise UserError(
                f'method: found {method!r}, expected one of {", ".join(CLASSICAL_METHODS)}'
            )
        if radius <= 0:
            raise UserError(f'radius must be a positive number of pixels, got {radius}')
        self.method = method
        self.radius = radius

    def forward(
        self, inputs: Tensor, data_samples: DataSample, mode: str = 'tensor'
    ) -> tuple[Tensor, Tensor] | list[DataSample]:
        """Fill the holes.

        Args:
            inputs: (N, 3, H, W) float masked images, as the data preprocessor normalizes them; what
                is in the hole does not matter.
            data_samples: Stacked sample with ``mask`` (N, 1, H, W), 1 in the hole.
            mode: ``'tensor'`` or ``'predict'``.

        Returns:
            ``'tensor'``: raw image and composite, both (N, 3, H, W), normalized as the inputs.
            ``'predict'``: one sample per image, see :meth:`convert_to_datasample`.

        Raises:
            UserError: For mode ``'loss'``.
            UserError: For another mode.
        """
        if mode == 'loss':
            self._refuse_training()
        if mode not in ('tensor', 'predict'):
            raise UserError(f"mode must be 'tensor' or 'predict', got {mode!r}")
        # Back to the 8-bit integers that the known pixels came from.
        images = self.data_preprocessor.destruct(inputs, data_samples).round()
        hole = data_samples.mask > 0.5
        raw = torch.stack([self._fill(*pair) for pair in zip(images, hole, strict=True)])
        composite = torch.where(hole, raw, images)
        if mode == 'tensor':
            return self._normalized(raw), self._normalized(composite)
        return self.convert_to_datasample(raw, composite, data_samples, inputs)

    def train_step(self, *args: Any, **kwargs: Any) -> NoReturn:
        """There is no training.

        Raises:
            UserError: Always.
        """
        self._refuse_training()

    def convert_to_datasample(
        self, raw: Tensor, composite: Tensor, data_samples: DataSample, inputs: Tensor
    ) -> list[DataSample]:
        """Split a batch into samples with predictions, in mmagic's convention.

        Args:
            raw: (N, 3, H, W) float output of the method in 0..255 BGR.
            composite: (N, 3, H, W) likewise, with the input's known pixels.
            data_samples: The stacked sample of the batch.
            inputs: (N, 3, H, W) float masked images, normalized.

        Returns:
            One sample per image, with ``input`` (3, H, W) in 0..255 BGR and ``output``, a sample
            with ``pred_img``, ``fake_img`` (composite) and ``fake_res`` (raw), (3, H, W) float in
            0..255 BGR.
        """
        output = DataSample(fake_res=raw, fake_img=composite, pred_img=composite)
        masked_img = self.data_preprocessor.destruct(inputs, data_samples)
        return split_predictions(data_samples, output, masked_img)

    def _fill(self, image: Tensor, hole: Tensor) -> Tensor:
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

    def _normalized(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in 0..255 BGR, as the data preprocessor normalizes its inputs."""
        preprocessor = self.data_preprocessor
        if preprocessor.output_channel_order == 'RGB':
            images = images.flip(1)
        return (images - preprocessor.mean) / preprocessor.std

    def _refuse_training(self) -> NoReturn:
        raise UserError(
            f'ClassicalInpaintor(method={self.method!r}) has nothing to learn; use it for '
            "validation and test (mode='predict'), or train another model"
        )
