"""Training: hooks and what they need of a model, the log, and a wrapper of optimizers."""

from fbinpaint_mm.engine.bfloat16_optim_wrapper import BFloat16OptimWrapper
from fbinpaint_mm.engine.counterparts import check_counterparts
from fbinpaint_mm.engine.hooks import (
    ClassMemoryHook,
    CorrectionReportHook,
    CorruptFileHook,
    DivergedTrainingError,
    DivergenceHook,
    EarlyLoggerHook,
    FeedbackHook,
    FeedbackModel,
    FeedbackVisualizationHook,
    InterruptHook,
    MeanTeacherHook,
    MovingAverageTeacher,
    RoundReportHook,
    RunSummaryHook,
    TaughtModel,
    WholeCheckpointHook,
)
from fbinpaint_mm.engine.quiet_runner import QuietRunner
from fbinpaint_mm.engine.short_log_processor import ShortLogProcessor

__all__ = [
    'BFloat16OptimWrapper',
    'ClassMemoryHook',
    'CorrectionReportHook',
    'CorruptFileHook',
    'DivergedTrainingError',
    'DivergenceHook',
    'EarlyLoggerHook',
    'FeedbackHook',
    'FeedbackModel',
    'FeedbackVisualizationHook',
    'InterruptHook',
    'MeanTeacherHook',
    'MovingAverageTeacher',
    'QuietRunner',
    'RoundReportHook',
    'RunSummaryHook',
    'ShortLogProcessor',
    'TaughtModel',
    'WholeCheckpointHook',
    'check_counterparts',
]
