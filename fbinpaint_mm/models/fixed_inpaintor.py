"""Base class of models that do not learn."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NoReturn

import torch
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.model import BaseModel
from torch import Tensor

from fbinpaint_mm.models.round_samples import split_predictions
from fbinpaint_mm.user_error import UserError


class FixedInpaintor(BaseModel):
    """A method without anything to train; for validation, test and benchmarks only.

    A subclass fills one hole, on the CPU; images on another device are fetched and results returned
    to it. Known pixels of the result are bit-identical to the input.

    Args:
        data_preprocessor: Config of an mmagic ``DataPreprocessor``; default
            :class:`SemiSupervisedDataPreprocessor`.
    """

    def __init__(self, data_preprocessor: dict | None = None) -> None:
        # Built here, in mmagic's registry: mmengine would look in the scope of the moment.
        config = data_preprocessor or dict(type='SemiSupervisedDataPreprocessor')
        super().__init__(data_preprocessor=MODELS.build(config))

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
            UserError: For mode ``'loss'``, or an unknown one.
        """
        if mode == 'loss':
            self._refuse_training()
        if mode not in ('tensor', 'predict'):
            raise UserError(f"mode must be 'tensor' or 'predict', got {mode!r}")
        # Back to the 8-bit integers that the known pixels came from.
        images = self.data_preprocessor.destruct(inputs, data_samples).round()
        hole = data_samples.mask > 0.5
        raw = torch.stack([self.fill(*pair) for pair in zip(images, hole, strict=True)])
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

    @abstractmethod
    def fill(self, image: Tensor, hole: Tensor) -> Tensor:
        """Inpaint one image.

        Args:
            image: (3, H, W) float BGR whole numbers in 0..255, anything in the hole.
            hole: (1, H, W) bool, True in the hole.

        Returns:
            (3, H, W) of the same kind, on the same device.
        """

    def _normalized(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in 0..255 BGR, as the data preprocessor normalizes its inputs."""
        preprocessor = self.data_preprocessor
        if preprocessor.output_channel_order == 'RGB':
            images = images.flip(1)
        return (images - preprocessor.mean) / preprocessor.std

    def _refuse_training(self) -> NoReturn:
        raise UserError(
            f'{type(self).__name__}({self.extra_repr()}) has nothing to learn; use it for '
            "validation and test (mode='predict'), or train another model"
        )
