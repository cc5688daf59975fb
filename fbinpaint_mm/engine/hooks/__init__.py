"""Hooks."""

from fbinpaint_mm.engine.hooks.feedback_hook import FeedbackHook
from fbinpaint_mm.engine.hooks.mean_teacher_hook import MeanTeacherHook

__all__ = ['FeedbackHook', 'MeanTeacherHook']
