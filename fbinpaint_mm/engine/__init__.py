"""Training: hooks, and what they need of a model."""

from fbinpaint_mm.engine.diverged_training_error import DivergedTrainingError
from fbinpaint_mm.engine.hooks import (
    ClassMemoryHook,
    CorrectionReportHook,
    CorruptFileHook,
    DivergenceHook,
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
    'CorruptFileHook',
    'DivergedTrainingError',
    'DivergenceHook',
    'FeedbackHook',
    'FeedbackModel',
    'FeedbackVisualizationHook',
    'MeanTeacherHook',
    'MovingAverageTeacher',
    'RoundReportHook',
    'TaughtModel',
    'WholeCheckpointHook',
]
