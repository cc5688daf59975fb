"""Training: hooks, and what they need of a model."""

from fbinpaint_mm.engine.hooks import (
    ClassMemoryHook,
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
    'ClassMemoryHook',
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
