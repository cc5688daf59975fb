"""Losses of the feedback-recorrection inpainter that MMagic and MMSegmentation do not have."""

from fbinpaint_mm.models.losses.adversarial_loss import AdversarialLoss
from fbinpaint_mm.models.losses.consistency_loss import ConsistencyLoss
from fbinpaint_mm.models.losses.extra_losses import ExtraLosses
from fbinpaint_mm.models.losses.laplace_loss import LaplaceLoss
from fbinpaint_mm.models.losses.lpips_loss import LPIPSLoss
from fbinpaint_mm.models.losses.prototype_loss import PrototypeLoss
from fbinpaint_mm.models.losses.round_losses import RoundLosses
from fbinpaint_mm.models.losses.semantic_feature_loss import SemanticFeatureLoss
from fbinpaint_mm.models.losses.vgg_perceptual_loss import VGGPerceptualLoss

__all__ = [
    'AdversarialLoss',
    'ConsistencyLoss',
    'ExtraLosses',
    'LPIPSLoss',
    'LaplaceLoss',
    'PrototypeLoss',
    'RoundLosses',
    'SemanticFeatureLoss',
    'VGGPerceptualLoss',
]
