"""Scores of every feedback round, run by mmagic's and mmengine's evaluators."""

from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.evaluation.metrics import (
    LPIPS,
    CorrectionRate,
    FinitePSNR,
    HoleIoU,
    HoleMAE,
    PerRound,
    RoundFID,
    SampleWiseMetric,
)
from fbinpaint_mm.evaluation.protocol import protocol_of, protocol_of_loop
from fbinpaint_mm.evaluation.score_series import (
    ScoreName,
    ScoreSeries,
    higher_is_better,
    summarize,
)

__all__ = [
    'LPIPS',
    'CorrectionRate',
    'FinitePSNR',
    'HoleAreaBins',
    'HoleIoU',
    'HoleMAE',
    'PerRound',
    'RoundFID',
    'SampleWiseMetric',
    'ScoreName',
    'ScoreSeries',
    'higher_is_better',
    'protocol_of',
    'protocol_of_loop',
    'summarize',
]
