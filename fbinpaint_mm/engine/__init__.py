"""Training: hooks."""

from fbinpaint_mm.engine.hooks import FeedbackHook, MeanTeacherHook

__all__ = ['FeedbackHook', 'MeanTeacherHook']
