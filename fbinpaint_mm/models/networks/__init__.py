"""Networks of the loop."""

from fbinpaint_mm.models.networks.discriminators import (
    DiscriminatorEnsemble,
    MMagicDiscriminatorAdapter,
    build_discriminator,
)
from fbinpaint_mm.models.networks.migan_encoder_decoder import MIGANEncoderDecoder
from fbinpaint_mm.models.networks.mmagic_network_adapter import MMagicNetworkAdapter
from fbinpaint_mm.models.networks.mmagic_repairs import (
    FiniteAttentionNeck,
    InitializablePatchDiscriminator,
    PaddedPConvEncoderDecoder,
)
from fbinpaint_mm.models.networks.network_builder import build_inpainting_network
from fbinpaint_mm.models.networks.semantic_guided_encoder_decoder import (
    ModulatedResidualBlock,
    SemanticEmbedding,
    SemanticGuidedEncoderDecoder,
    SemanticModulation,
)
from fbinpaint_mm.models.networks.summed_lateral_head import SummedLateralHead
from fbinpaint_mm.models.networks.torchvision_mobilenet_v2 import TorchvisionMobileNetV2

__all__ = [
    'DiscriminatorEnsemble',
    'FiniteAttentionNeck',
    'InitializablePatchDiscriminator',
    'MIGANEncoderDecoder',
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
