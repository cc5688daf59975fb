"""Metrics registered in mmagic's ``METRICS``."""

from fbinpaint_mm.evaluation.metrics.finite_psnr import FinitePSNR
from fbinpaint_mm.evaluation.metrics.hole_iou import HoleIoU
from fbinpaint_mm.evaluation.metrics.hole_mae import HoleMAE
from fbinpaint_mm.evaluation.metrics.per_round import PerRound
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import SampleWiseMetric

__all__ = ['FinitePSNR', 'HoleIoU', 'HoleMAE', 'PerRound', 'SampleWiseMetric']
