"""Use a trained model: from a picture with a hole to a result."""

from fbinpaint_mm.apis.feedback_inpainter import FeedbackInpainter
from fbinpaint_mm.apis.inpainting_result import InpaintingResult, RoundResult

__all__ = ['FeedbackInpainter', 'InpaintingResult', 'RoundResult']
