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
from fbinpaint_mm.models.feedback.layout_memory import (
    NO_KEY,
    PART_KEY,
    LayoutMemory,
    image_keys_of,
)

__all__ = [
    'IGNORE_INDEX',
    'NO_KEY',
    'PART_KEY',
    'ClassMemory',
    'CompletedBatch',
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
    'image_keys_of',
    'one_hot_where_known',
]
