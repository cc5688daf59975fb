"""Networks of the loop."""

from fbinpaint_mm.models.networks.discriminator_builder import build_discriminator
from fbinpaint_mm.models.networks.discriminator_ensemble import DiscriminatorEnsemble
from fbinpaint_mm.models.networks.finite_attention_neck import FiniteAttentionNeck
from fbinpaint_mm.models.networks.initializable_patch_discriminator import (
    InitializablePatchDiscriminator,
)
from fbinpaint_mm.models.networks.mmagic_discriminator_adapter import MMagicDiscriminatorAdapter
from fbinpaint_mm.models.networks.mmagic_network_adapter import MMagicNetworkAdapter
from fbinpaint_mm.models.networks.modulated_residual_block import ModulatedResidualBlock
from fbinpaint_mm.models.networks.network_builder import build_inpainting_network
from fbinpaint_mm.models.networks.padded_pconv_encoder_decoder import PaddedPConvEncoderDecoder
from fbinpaint_mm.models.networks.semantic_embedding import SemanticEmbedding
from fbinpaint_mm.models.networks.semantic_guided_encoder_decoder import (
    SemanticGuidedEncoderDecoder,
)
from fbinpaint_mm.models.networks.semantic_modulation import SemanticModulation
from fbinpaint_mm.models.networks.summed_lateral_head import SummedLateralHead
from fbinpaint_mm.models.networks.torchvision_mobilenet_v2 import TorchvisionMobileNetV2

__all__ = [
    'DiscriminatorEnsemble',
    'FiniteAttentionNeck',
    'InitializablePatchDiscriminator',
    'MMagicDiscriminatorAdapter',
    'MMagicNetworkAdapter',
    'ModulatedResidualBlock',
    'PaddedPConvEncoderDecoder',
    'SemanticEmbedding',
    'SemanticGuidedEncoderDecoder',
    'SemanticModulation',
    'SummedLateralHead',
    'TorchvisionMobileNetV2',
    'build_discriminator',
    'build_inpainting_network',
]
