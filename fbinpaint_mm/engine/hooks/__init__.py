"""Hooks."""

from fbinpaint_mm.engine.hooks.correction_report_hook import CorrectionReportHook
from fbinpaint_mm.engine.hooks.feedback_hook import FeedbackHook
from fbinpaint_mm.engine.hooks.feedback_visualization_hook import FeedbackVisualizationHook
from fbinpaint_mm.engine.hooks.mean_teacher_hook import MeanTeacherHook
from fbinpaint_mm.engine.hooks.round_report_hook import RoundReportHook

__all__ = [
    'CorrectionReportHook',
    'FeedbackHook',
    'FeedbackVisualizationHook',
    'MeanTeacherHook',
    'RoundReportHook',
]
