"""mmagic's PSNR and MAE, made fit for holes: finite for identical images, or in the hole only."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmagic.evaluation.metrics.mae import MAE
from mmagic.evaluation.metrics.psnr import PSNR
from mmagic.registry import METRICS

from fbinpaint_mm.evaluation.metrics.sample_wise_metric import SampleWiseMetric
from fbinpaint_mm.evaluation.protocol import MMAGIC_FACTS, describe_image_metric

MAX_PSNR = 100.0  # dB


@METRICS.register_module()
class FinitePSNR(SampleWiseMetric, PSNR):
    """mmagic's ``PSNR`` with a ceiling, reported under the same name ``PSNR``.

    mmagic's returns infinity for identical images, and one such image makes the mean of the set
    infinite. Here every image scores at most 100 dB, the PSNR of a mean squared error of 6.5e-6,
    one gray level in one value out of 154,000: far above any inpainting result, and below what
    rounding a 0..255 image to [-1, 1] and back leaves (140 dB).

    Compared are ``gt_img`` and the composite ``pred_img`` over the whole image, both (3, H, W) in
    0..255, uint8 or float, not rounded; the order of the colors does not matter unless
    ``convert_to='Y'`` asks for the luma of BGR images. In dB, higher is better, mean over images.

    Args:
        **kwargs: Everything mmagic's ``PSNR`` takes (``crop_border``, ``convert_to``, ...), and
            ``area_bins``.
    """

    def process_image(
        self, gt: torch.Tensor | np.ndarray, pred: torch.Tensor | np.ndarray, mask: torch.Tensor
    ) -> float:
        """PSNR of one image in dB, at most ``MAX_PSNR``."""
        return min(float(super().process_image(gt, pred, mask)), MAX_PSNR)

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the score measures."""
        facts = {**MMAGIC_FACTS['PSNR'], 'max': MAX_PSNR}
        return {self.metric: describe_image_metric(self, **facts)}


@METRICS.register_module()
class HoleMAE(SampleWiseMetric, MAE):
    """mmagic's ``MAE`` over the pixels of the hole only, reported as ``MAE_hole``.

    Compared are ``gt_img`` and ``pred_img``, both (3, H, W) in 0..255, where ``mask`` (1, H, W) is
    not 0. In 0..1 (gray levels / 255), lower is better, mean over images; the order of the colors
    and whether ``pred_img`` is the composite or the raw image make no difference here.

    Args:
        **kwargs: Everything mmagic's ``MAE`` takes, and ``area_bins``.
    """

    metric = 'MAE_hole'
    higher_is_better = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(mask_key='mask', **kwargs)

    def process_image(
        self, gt: torch.Tensor | np.ndarray, pred: torch.Tensor | np.ndarray, mask: torch.Tensor
    ) -> float:
        """Mean absolute error of one image in its hole, 0..1; 0 for an image without hole."""
        return float(super().process_image(gt, pred, mask))

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the score measures."""
        return {self.metric: describe_image_metric(self, **MMAGIC_FACTS['MAE'])}
