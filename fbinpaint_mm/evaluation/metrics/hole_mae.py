"""Mean absolute error inside the hole."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmagic.evaluation.metrics.mae import MAE
from mmagic.registry import METRICS

from fbinpaint_mm.evaluation.metrics.sample_wise_metric import SampleWiseMetric
from fbinpaint_mm.evaluation.protocol import MMAGIC_FACTS, describe_image_metric


@METRICS.register_module()
class HoleMAE(SampleWiseMetric, MAE):
    """mmagic's ``MAE`` over the pixels of the hole only, reported as ``MAE_hole``.

    Compared are ``gt_img`` and ``pred_img``, both (3, H, W) in 0..255, where ``mask`` (1, H, W) is
    not 0. In 0..1 (grey levels / 255), lower is better, mean over images; the order of the colours
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
