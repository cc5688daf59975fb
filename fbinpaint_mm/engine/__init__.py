"""Training: hooks."""

from fbinpaint_mm.engine.hooks import (
    CorrectionReportHook,
    FeedbackHook,
    FeedbackVisualizationHook,
    MeanTeacherHook,
    RoundReportHook,
)

__all__ = [
    'CorrectionReportHook',
    'FeedbackHook',
    'FeedbackVisualizationHook',
    'MeanTeacherHook',
    'RoundReportHook',
]
