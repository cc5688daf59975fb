"""LPIPS with a VGG16 as a loss."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor, nn

from fbinpaint_mm.lpips_network import build_lpips_network
from fbinpaint_mm.user_error import UserError


@MODELS.register_module()
class LPIPSLoss(nn.Module):
    """Learned perceptual distance to the target (Zhang et al., CVPR 2018), by a VGG16.

    Features of five layers, each normalized over its channels, are compared by the linear heads of
    the ``lpips`` package, version 0.1. The VGG16 is not the network of the metric, AlexNet, so
    that nothing is trained on what it is scored with.

    The frozen network is no submodule, so it is neither in checkpoints nor seen by optimizers and
    DDP. It is loaded by ``init_weights``, which a Runner calls before training, or at first use,
    and follows the images to their device. Everything is computed in float32, also under autocast.

    Args:
        loss_weight: Factor of the loss.
        downsample: Factor by which images are reduced first, by average pooling. The reduced
            sides must be 16 pixels or more.
        weights: A file with VGG16's ``features.*`` in torchvision's names (any precision), or a
            folder with one of ``pretrained_features.VGG16.files``. '' or None: torchvision's
            download. 'none': random features, only for smoke tests; logs a warning.
        channel_order: Order of the colors of the images, 'bgr' (mmagic's default) or 'rgb'.

    Raises:
        UserError: If ``downsample`` is no whole number above 0, or the channel order is unknown.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        downsample: int = 2,
        weights: str | None = None,
        channel_order: str = 'bgr',
    ) -> None:
        super().__init__()
        if channel_order not in ('bgr', 'rgb'):
            raise UserError(f"channel_order: found {channel_order!r}, expected 'bgr' or 'rgb'")
        if not isinstance(downsample, int) or downsample < 1:
            raise UserError(f'downsample: found {downsample!r}, expected a whole number above 0')
        self.loss_weight, self.downsample = loss_weight, downsample
        self.weights, self.channel_order = weights, channel_order
        # A list hides the network from state_dict, parameters and DDP.
        self._frozen: list[Any] = []  # mypy knows no modules of `lpips`

    def init_weights(self) -> None:
        """Loads the VGG16 now, so that a missing file is reported before training starts.

        Raises:
            FileNotFoundError: If the weights are neither at ``weights`` nor downloadable.
            UserError: If the file holds no VGG16 features.
        """
        if not self._frozen:
            self._frozen.append(build_lpips_network('vgg', self.weights))

    def features(self, images: Tensor) -> list[Tensor]:
        """Normalized activations of the five layers.

        Args:
            images: (N, 3, H, W) in [-1, 1], any float dtype, in ``channel_order``.

        Returns:
            (N, C, h, w) float32 each, of length 1 over C; without graph if ``images`` needs none.
        """
        self.init_weights()
        network = self._frozen[0].to(images.device)
        with torch.autocast(images.device.type, enabled=False):
            images = F.avg_pool2d(images.float(), self.downsample)
            images = images.flip(1) if self.channel_order == 'bgr' else images
            activations = network.net(network.scaling_layer(images))
            return [F.normalize(one, dim=1, eps=1e-8) for one in activations]

    def forward(self, x: Tensor, gt: Tensor | list[Tensor]) -> tuple[Tensor, None]:
        """Compares images with their targets.

        Args:
            x: (N, 3, H, W) images in [-1, 1]; the gradient flows here.
            gt: (N, 3, H, W) targets in [-1, 1], or what :meth:`features` gave for them: several
                rounds compared with the same target then share one pass.

        Returns:
            The mean distance, a float32 scalar, and None: there is no style loss.
        """
        targets = gt if isinstance(gt, list) else self.features(gt.detach())
        found = self.features(x)
        with torch.autocast(x.device.type, enabled=False):
            heads = self._frozen[0].lins
            terms = [
                head((one - other).square()).mean()
                for head, one, other in zip(heads, found, targets, strict=True)
            ]
            return self.loss_weight * torch.stack(terms).sum(), None
