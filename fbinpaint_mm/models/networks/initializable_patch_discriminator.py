"""mmagic's soft-mask patch discriminator, in a form that a Runner can initialise."""

from __future__ import annotations

from mmagic.models.archs import SoftMaskPatchDiscriminator
from mmagic.models.utils import generation_init_weights
from mmagic.registry import MODELS
from torch import nn


@MODELS.register_module()
class InitializablePatchDiscriminator(SoftMaskPatchDiscriminator):
    """``SoftMaskPatchDiscriminator`` of AOT-GAN whose ``init_weights`` ends.

    mmagic initialises all layers in one call that reports what it did to each of them, and fails
    with ``UnboundLocalError`` at the first that has no weights, an activation: no Runner can train
    mmagic's own AOT-GAN configuration. Here the same is done to the convolutions, one by one.
    """

    def init_weights(self) -> None:
        """Initialise the convolutions as mmagic means to."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                generation_init_weights(layer, self.init_type, self.init_gain)
        self._is_init = True
