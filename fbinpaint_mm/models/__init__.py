"""Models; importing this package registers them in mmagic's registry."""

from fbinpaint_mm.models.classical_inpaintor import ClassicalInpaintor
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
from fbinpaint_mm.models.networks import (
    FiniteAttentionNeck,
    InitializablePatchDiscriminator,
    MIGANEncoderDecoder,
    MMagicDiscriminatorAdapter,
    MMagicNetworkAdapter,
    PaddedPConvEncoderDecoder,
    SemanticGuidedEncoderDecoder,
    SummedLateralHead,
    TorchvisionMobileNetV2,
)
from fbinpaint_mm.models.onnx_inpaintor import OnnxInpaintor

__all__ = [
    'ClassMemory',
    'ClassicalInpaintor',
    'ConsistencyLoss',
    'CrossImageRecorrection',
    'DecodeHeadLink',
    'FeedbackRecorrectionInpaintor',
    'FeedbackRecorrectionLoop',
    'FeedbackSignal',
    'FiniteAttentionNeck',
    'InitializablePatchDiscriminator',
    'InpaintingConfidence',
    'InpaintingFeedback',
    'LaplaceLoss',
    'MIGANEncoderDecoder',
    'MMagicDiscriminatorAdapter',
    'MMagicNetworkAdapter',
    'MeanTeacher',
    'OnnxInpaintor',
    'PaddedPConvEncoderDecoder',
    'PrototypeLoss',
    'SemanticGuidedEncoderDecoder',
    'SemiSupervisedDataPreprocessor',
    'SummedLateralHead',
    'TorchvisionMobileNetV2',
    'VGGPerceptualLoss',
]
