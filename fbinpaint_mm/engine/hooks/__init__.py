"""Hooks, and what they need of a model."""

from fbinpaint_mm.engine.hooks.class_memory_hook import ClassMemoryHook
from fbinpaint_mm.engine.hooks.corrupt_file_hook import CorruptFileHook
from fbinpaint_mm.engine.hooks.divergence_hook import DivergedTrainingError, DivergenceHook
from fbinpaint_mm.engine.hooks.early_logger_hook import EarlyLoggerHook
from fbinpaint_mm.engine.hooks.feedback_hook import FeedbackHook, FeedbackModel
from fbinpaint_mm.engine.hooks.feedback_visualization_hook import FeedbackVisualizationHook
from fbinpaint_mm.engine.hooks.interrupt_hook import InterruptHook
from fbinpaint_mm.engine.hooks.mean_teacher_hook import (
    MeanTeacherHook,
    MovingAverageTeacher,
    TaughtModel,
)
from fbinpaint_mm.engine.hooks.report_hooks import CorrectionReportHook, RoundReportHook
from fbinpaint_mm.engine.hooks.run_summary_hook import RunSummaryHook
from fbinpaint_mm.engine.hooks.whole_checkpoint_hook import WholeCheckpointHook

__all__ = [
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
    'RoundReportHook',
    'RunSummaryHook',
    'TaughtModel',
    'WholeCheckpointHook',
]
