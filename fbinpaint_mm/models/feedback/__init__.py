"""Feedback from the inpainting to the segmentation, and its recorrection across images."""

from fbinpaint_mm.models.feedback.class_memory import ClassMemory
from fbinpaint_mm.models.feedback.cosine_similarity import (
    class_occupancy,
    cosine_to_prototypes,
    cross_image_weight,
)
from fbinpaint_mm.models.feedback.cross_image_recorrection import CrossImageRecorrection
from fbinpaint_mm.models.feedback.decode_head_link import DecodeHeadLink
from fbinpaint_mm.models.feedback.feedback_signal import FeedbackSignal
from fbinpaint_mm.models.feedback.inpainting_confidence import (
    InpaintingConfidence,
    confidence_from_scale,
)
from fbinpaint_mm.models.feedback.inpainting_feedback import InpaintingFeedback
from fbinpaint_mm.models.feedback.known_labels import IGNORE_INDEX, one_hot_where_known
from fbinpaint_mm.models.feedback.layout_memory import NO_KEY, PART_KEY, LayoutMemory

__all__ = [
    'IGNORE_INDEX',
    'NO_KEY',
    'PART_KEY',
    'ClassMemory',
    'CrossImageRecorrection',
    'DecodeHeadLink',
    'FeedbackSignal',
    'InpaintingConfidence',
    'InpaintingFeedback',
    'LayoutMemory',
    'class_occupancy',
    'confidence_from_scale',
    'cosine_to_prototypes',
    'cross_image_weight',
    'one_hot_where_known',
]
