"""Trains the inpainting confidence."""

from __future__ import annotations

from mmagic.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class LaplaceLoss(nn.Module):
    """Negative log-likelihood of a Laplace distribution, ``|x - y| / b + log(b)``, in the hole.

    Kendall & Gal, NeurIPS 2017, eq. 5, with an L1 residual. Its minimum is at ``b = E|x - y|``. No
    gradient reaches the image.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, scale: Tensor, image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Loss of one batch.

        Args:
            scale: (N, 1, H, W) float expected absolute error, positive.
            image: (N, 3, H, W) float inpainted image.
            target: (N, 3, H, W) float true image.
            mask: (N, 1, H, W) float, 1 in the hole.

        Returns:
            0-d float32 tensor; it may be negative, as a log-likelihood of a density may.
        """
        error = (image.detach() - target).abs().mean(1, keepdim=True)
        likelihood = (error / scale + scale.log()) * mask
        return self.loss_weight * likelihood.sum() / mask.sum().clamp_min(1)
