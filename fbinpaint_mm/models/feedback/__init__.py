"""Feedback from the inpainting to the segmentation, and its recorrection across images."""

from fbinpaint_mm.models.feedback.class_memory import (
    IGNORE_INDEX,
    ClassMemory,
    CompletedBatch,
    class_occupancy,
    cosine_to_prototypes,
    cross_image_weight,
    one_hot_where_known,
)
from fbinpaint_mm.models.feedback.cross_image_recorrection import CrossImageRecorrection
from fbinpaint_mm.models.feedback.decode_head_link import DecodeHeadLink
from fbinpaint_mm.models.feedback.inpainting_feedback import (
    FeedbackSignal,
    InpaintingConfidence,
    InpaintingFeedback,
    confidence_from_scale,
)

__all__ = [
    'IGNORE_INDEX',
    'ClassMemory',
    'CompletedBatch',
    'CrossImageRecorrection',
    'DecodeHeadLink',
    'FeedbackSignal',
    'InpaintingConfidence',
    'InpaintingFeedback',
    'class_occupancy',
    'confidence_from_scale',
    'cosine_to_prototypes',
    'cross_image_weight',
    'one_hot_where_known',
]
