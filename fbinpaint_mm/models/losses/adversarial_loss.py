"""The adversary's loss: mmagic's GAN loss on the outputs of one or several discriminators."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmagic.models.utils import set_requires_grad
from mmagic.registry import MODELS
from torch import Tensor, nn

DiscriminatorOutput = Tensor | Sequence['DiscriminatorOutput']


class AdversarialLoss(nn.Module):
    """GAN loss of generator and discriminator, averaged over the outputs of the latter.

    Args:
        gan: Config of a loss ``(output, target_is_real, is_disc, mask)``: mmagic's ``GANLoss`` of
            any ``gan_type``, of which only 'smgan' reads the mask. That one teaches the
            discriminator 1 in the hole of an inpainted image, so it needs ``real_label_val=0``.
    """

    def __init__(self, gan: dict) -> None:
        super().__init__()
        self.gan = MODELS.build(gan)

    def of_discriminator(
        self, disc: nn.Module, real: Tensor, composites: Sequence[Tensor], mask: Tensor
    ) -> dict[str, Tensor]:
        """What the discriminator minimizes.

        One pass over real and inpainted images together: a distributed wrapper needs one forward
        pass for each backward pass.

        Args:
            disc: Reads (M, 4, H, W), images in [-1, 1] and mask; its output is logits (M, ...), or
                a sequence of such, nested as it may be.
            real: (N, 3, H, W) float in [-1, 1].
            composites: Inpainted images of the same batch, (N, 3, H, W) each; no gradient flows
                into them.
            mask: (N, 1, H, W) float, 1 in the hole.

        Returns:
            ``loss_disc_real`` and ``loss_disc_fake``, 0-d tensors.
        """
        images = torch.cat([real, *(one.detach() for one in composites)])
        masks = mask.repeat(1 + len(composites), 1, 1, 1)
        outputs = flattened(disc(torch.cat([images, masks], dim=1)))
        count = len(real)
        of_real, of_fake = [one[:count] for one in outputs], [one[count:] for one in outputs]
        return dict(
            loss_disc_real=self._mean(of_real, True, True, mask),
            loss_disc_fake=self._mean(of_fake, False, True, masks[count:]),
        )

    def of_generator(self, disc: nn.Module, composites: Sequence[Tensor], mask: Tensor) -> Tensor:
        """What the generator minimizes; the discriminator's parameters get no gradient.

        Args:
            disc: As above.
            composites: Inpainted images of a batch, (N, 3, H, W) float in [-1, 1] each.
            mask: (N, 1, H, W) float, 1 in the hole.

        Returns:
            0-d tensor.
        """
        masks = mask.repeat(len(composites), 1, 1, 1)
        set_requires_grad(disc, False)
        outputs = flattened(disc(torch.cat([torch.cat(list(composites)), masks], dim=1)))
        set_requires_grad(disc, True)
        return self._mean(outputs, True, False, masks)

    def _mean(
        self, outputs: Sequence[Tensor], is_real: bool, is_disc: bool, mask: Tensor
    ) -> Tensor:
        """In float32, whatever the precision of the outputs."""
        losses = [self.gan(one.float(), is_real, is_disc, mask=mask) for one in outputs]
        return torch.stack(losses).mean()


def flattened(output: DiscriminatorOutput) -> list[Tensor]:
    """All outputs of a discriminator, in their order."""
    if isinstance(output, Tensor):
        return [output]
    return [tensor for part in output for tensor in flattened(part)]
