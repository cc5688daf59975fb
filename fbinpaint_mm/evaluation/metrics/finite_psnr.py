"""PSNR whose mean survives an identical image."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmagic.evaluation.metrics.psnr import PSNR
from mmagic.registry import METRICS

from fbinpaint_mm.evaluation.metrics.sample_wise_metric import SampleWiseMetric
from fbinpaint_mm.evaluation.protocol import MMAGIC_FACTS, describe_image_metric


@METRICS.register_module()
class FinitePSNR(SampleWiseMetric, PSNR):
    """mmagic's ``PSNR`` with a ceiling, reported under the same name ``PSNR``.

    mmagic's returns infinity for identical images, and one such image makes the mean of the set
    infinite. Here every image scores at most ``max_psnr``. The default, 100 dB, is the PSNR of a
    mean squared error of 6.5e-6, one grey level in one value out of 154,000: far above any
    inpainting result, and below what rounding a 0..255 image to [-1, 1] and back leaves (140 dB).

    Compared are ``gt_img`` and the composite ``pred_img`` over the whole image, both (3, H, W) in
    0..255, uint8 or float, not rounded; the order of the colours does not matter unless
    ``convert_to='Y'`` asks for the luma of BGR images. In dB, higher is better, mean over images.

    Args:
        max_psnr: Ceiling in dB of one image.
        **kwargs: Everything mmagic's ``PSNR`` takes (``crop_border``, ``convert_to``, ...), and
            ``area_bins``.

    Raises:
        ValueError: ``max_psnr`` is not a positive finite number.
    """

    def __init__(self, max_psnr: float = 100.0, **kwargs: Any) -> None:
        if not (np.isfinite(max_psnr) and max_psnr > 0):
            raise ValueError(f'max_psnr must be a positive finite number of dB, got {max_psnr}')
        super().__init__(**kwargs)
        self.max_psnr = float(max_psnr)

    def process_image(
        self, gt: torch.Tensor | np.ndarray, pred: torch.Tensor | np.ndarray, mask: torch.Tensor
    ) -> float:
        """PSNR of one image in dB, at most ``max_psnr``."""
        return min(float(super().process_image(gt, pred, mask)), self.max_psnr)

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the score measures."""
        facts = {**MMAGIC_FACTS['PSNR'], 'max': self.max_psnr}
        return {self.metric: describe_image_metric(self, **facts)}
