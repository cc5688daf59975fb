"""Training: hooks and what they need of a model, and a wrapper of optimizers."""

from fbinpaint_mm.engine.bfloat16_optim_wrapper import BFloat16OptimWrapper
from fbinpaint_mm.engine.counterparts import check_counterparts
from fbinpaint_mm.engine.hooks import (
    ClassMemoryHook,
    CorrectionReportHook,
    CorruptFileHook,
    DivergedTrainingError,
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
    'check_counterparts',
]
