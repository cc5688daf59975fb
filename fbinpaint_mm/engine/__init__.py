"""Training: hooks."""

from fbinpaint_mm.engine.hooks import (
    FeedbackHook,
    FeedbackVisualizationHook,
    MeanTeacherHook,
    RoundReportHook,
)

__all__ = ['FeedbackHook', 'FeedbackVisualizationHook', 'MeanTeacherHook', 'RoundReportHook']
