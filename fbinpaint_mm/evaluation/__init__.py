"""Scores of every feedback round, run by mmagic's and mmengine's evaluators."""

from fbinpaint_mm.evaluation.metrics import (
    FinitePSNR,
    HoleIoU,
    HoleMAE,
    PerRound,
    SampleWiseMetric,
)

__all__ = ['FinitePSNR', 'HoleIoU', 'HoleMAE', 'PerRound', 'SampleWiseMetric']
