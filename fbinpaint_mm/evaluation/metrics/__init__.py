"""Metrics registered in mmagic's ``METRICS``."""

from fbinpaint_mm.evaluation.metrics.correction_rate import CorrectionRate
from fbinpaint_mm.evaluation.metrics.hole_iou import HoleIoU
from fbinpaint_mm.evaluation.metrics.image_metrics import FinitePSNR, HoleMAE
from fbinpaint_mm.evaluation.metrics.lpips import LPIPS
from fbinpaint_mm.evaluation.metrics.per_round import PerRound
from fbinpaint_mm.evaluation.metrics.round_fid import RoundFID
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import SampleWiseMetric

__all__ = [
    'LPIPS',
    'CorrectionRate',
    'FinitePSNR',
    'HoleIoU',
    'HoleMAE',
    'PerRound',
    'RoundFID',
    'SampleWiseMetric',
]
