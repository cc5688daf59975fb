"""Training: hooks and what they need of a model, and a wrapper of optimisers."""

from fbinpaint_mm.engine.diverged_training_error import DivergedTrainingError
from fbinpaint_mm.engine.hooks import (
    ClassMemoryHook,
    CorrectionReportHook,
    CorruptFileHook,
    DivergenceHook,
    FeedbackHook,
    FeedbackModel,
    FeedbackVisualizationHook,
    InterruptHook,
    MeanTeacherHook,
    MovingAverageTeacher,
    RoundReportHook,
    TaughtModel,
    WholeCheckpointHook,
)
from fbinpaint_mm.engine.optim import BFloat16OptimWrapper

__all__ = [
    'BFloat16OptimWrapper',
    'ClassMemoryHook',
    'CorrectionReportHook',
    'CorruptFileHook',
    'DivergedTrainingError',
    'DivergenceHook',
    'FeedbackHook',
    'FeedbackModel',
    'FeedbackVisualizationHook',
    'InterruptHook',
    'MeanTeacherHook',
    'MovingAverageTeacher',
    'RoundReportHook',
    'TaughtModel',
    'WholeCheckpointHook',
]
