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
from fbinpaint_mm.user_error import UserError


@METRICS.register_module()
class FinitePSNR(SampleWiseMetric, PSNR):
    """mmagic's ``PSNR`` with a ceiling, reported under the same name ``PSNR``.

    mmagic's returns infinity for identical images, and one such image makes the mean of the set
    infinite. Here every image scores at most ``max_psnr``. The default, 100 dB, is the PSNR of a
    mean squared error of 6.5e-6, one gray level in one value out of 154,000: far above any
    inpainting result, and below what rounding a 0..255 image to [-1, 1] and back leaves (140 dB).

    Compared are ``gt_img`` and the composite ``pred_img`` over the whole image, both (3, H, W) in
    0..255, uint8 or float, not rounded; the order of the colors does not matter unless
    ``convert_to='Y'`` asks for the luma of BGR images. In dB, higher is better, mean over images.

    Args:
        max_psnr: Ceiling in dB of one image.
        **kwargs: Everything mmagic's ``PSNR`` takes (``crop_border``, ``convert_to``, ...), and
            ``area_bins``.

    Raises:
        UserError: ``max_psnr`` is not a positive finite number.
    """

    def __init__(self, max_psnr: float = 100.0, **kwargs: Any) -> None:
        if not (np.isfinite(max_psnr) and max_psnr > 0):
            raise UserError(f'max_psnr must be a positive finite number of dB, got {max_psnr}')
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


@METRICS.register_module()
class HoleMAE(SampleWiseMetric, MAE):
    """mmagic's ``MAE`` over the pixels of the hole only, reported as ``MAE_hole``.

    Compared are ``gt_img`` and ``pred_img``, both (3, H, W) in 0..255, where ``mask`` (1, H, W) is
    not 0. In 0..1 (gray levels / 255), lower is better, mean over images; the order of the colors
    and whether ``pred_img`` is the composite or the raw image make no difference here.

    Args:
        mask_key: Data field with the hole, 1 = hole.
        **kwargs: Everything mmagic's ``MAE`` takes, and ``area_bins``.
    """

    metric = 'MAE_hole'
    higher_is_better = False

    def __init__(self, mask_key: str = 'mask', **kwargs: Any) -> None:
        super().__init__(mask_key=mask_key, **kwargs)

    def process_image(
        self, gt: torch.Tensor | np.ndarray, pred: torch.Tensor | np.ndarray, mask: torch.Tensor
    ) -> float:
        """Mean absolute error of one image in its hole, 0..1; 0 for an image without hole."""
        return float(super().process_image(gt, pred, mask))

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the score measures."""
        return {self.metric: describe_image_metric(self, **MMAGIC_FACTS['MAE'])}
