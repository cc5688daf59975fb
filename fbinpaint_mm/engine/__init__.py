"""Training: hooks, and what they need of a model."""

from fbinpaint_mm.engine.hooks import (
    CorrectionReportHook,
    FeedbackHook,
    FeedbackModel,
    FeedbackVisualizationHook,
    MeanTeacherHook,
    MovingAverageTeacher,
    RoundReportHook,
    TaughtModel,
    WholeCheckpointHook,
)

__all__ = [
    'CorrectionReportHook',
    'FeedbackHook',
    'FeedbackModel',
    'FeedbackVisualizationHook',
    'MeanTeacherHook',
    'MovingAverageTeacher',
    'RoundReportHook',
    'TaughtModel',
    'WholeCheckpointHook',
]
