"""mmagic's GAN loss on what one or several discriminators say."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmagic.registry import MODELS
from torch import Tensor, nn

Judgement = Tensor | Sequence['Judgement']


class AdversarialLoss(nn.Module):
    """Averages a GAN loss over the outputs of a discriminator, nested as they may be.

    Args:
        gan: Config of a loss ``(judged, target_is_real, is_disc, mask)``: mmagic's ``GANLoss`` of
            any ``gan_type``, of which only 'smgan' reads the mask. That one teaches the
            discriminator 1 in the hole of an inpainted image, so it needs ``real_label_val=0``.
    """

    def __init__(self, gan: dict) -> None:
        super().__init__()
        self.gan = MODELS.build(gan)

    def forward(
        self, judged: Judgement, target_is_real: bool, is_disc: bool, mask: Tensor
    ) -> Tensor:
        """The loss.

        Args:
            judged: Output of a discriminator, (N, ...) float logits, or a sequence of such.
            target_is_real: Whether the images should look real, or are real.
            is_disc: Whether it is the discriminator that learns.
            mask: (N, 1, H, W) float, 1 in the hole.

        Returns:
            0-d tensor, the mean over all outputs.
        """
        outputs = [one.float() for one in flattened(judged)]  # may be half precision, losses not
        losses = [self.gan(one, target_is_real, is_disc, mask=mask) for one in outputs]
        return torch.stack(losses).mean()


def flattened(judged: Judgement) -> list[Tensor]:
    """All outputs of a discriminator, in their order."""
    if isinstance(judged, Tensor):
        return [judged]
    return [tensor for part in judged for tensor in flattened(part)]


def split_judgement(judged: Judgement, number: int) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs for the first ``number`` images of a batch, and for the others."""
    outputs = flattened(judged)
    return [one[:number] for one in outputs], [one[number:] for one in outputs]
