"""Models; importing this package registers them in mmagic's registry."""

from fbinpaint_mm.models.data_preprocessors import SemiSupervisedDataPreprocessor
from fbinpaint_mm.models.feedback import (
    ClassMemory,
    CrossImageRecorrection,
    DecodeHeadLink,
    FeedbackSignal,
    InpaintingConfidence,
    InpaintingFeedback,
)
from fbinpaint_mm.models.feedback_recorrection_inpaintor import FeedbackRecorrectionInpaintor
from fbinpaint_mm.models.feedback_recorrection_loop import FeedbackRecorrectionLoop
from fbinpaint_mm.models.losses import (
    ConsistencyLoss,
    LaplaceLoss,
    PrototypeLoss,
    VGGPerceptualLoss,
)
from fbinpaint_mm.models.mean_teacher import MeanTeacher
from fbinpaint_mm.models.networks import MMagicNetworkAdapter, SemanticGuidedEncoderDecoder

__all__ = [
    'ClassMemory',
    'ConsistencyLoss',
    'CrossImageRecorrection',
    'DecodeHeadLink',
    'FeedbackRecorrectionInpaintor',
    'FeedbackRecorrectionLoop',
    'FeedbackSignal',
    'InpaintingConfidence',
    'InpaintingFeedback',
    'LaplaceLoss',
    'MMagicNetworkAdapter',
    'MeanTeacher',
    'PrototypeLoss',
    'SemanticGuidedEncoderDecoder',
    'SemiSupervisedDataPreprocessor',
    'VGGPerceptualLoss',
]
