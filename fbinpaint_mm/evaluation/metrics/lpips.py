"""Learned perceptual distance of images, by the ``lpips`` package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmagic.registry import METRICS
from torch import Tensor, nn

from fbinpaint_mm.evaluation.metrics.round_views import image_chunks
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import (
    SampleWiseMetric,
    identify,
    images_to_compare,
    sample_name,
)
from fbinpaint_mm.evaluation.protocol import describe_image_metric
from fbinpaint_mm.lpips_network import BACKBONES, build_lpips_network
from fbinpaint_mm.user_error import UserError

# Shortest side, in pixels, that reaches the last feature layer.
MIN_SIZE = {'alex': 31, 'vgg': 16}


@METRICS.register_module()
class LPIPS(SampleWiseMetric):
    """Distance of deep features (R. Zhang et al., CVPR 2018), reported as ``LPIPS``.

    Computed by the ``lpips`` package, version 0.1 of its linear heads. Compared are ``gt_img`` and
    the composite ``pred_img`` over the whole image, both (3, H, W) BGR in 0..255, uint8 or float,
    not rounded; they are turned into RGB in [-1, 1]. Dimensionless, 0 for identical images, lower
    is better, mean over images.

    ``alex`` is the backbone for results, as most papers report. ``vgg`` shares its network with
    the perceptual loss: a model trained with that loss is trained on the metric.

    All images of a call go through the network in chunks, in float32 (also under autocast, without
    TF32), on the model's device as ``prepare`` finds it, else on that of the predictions. The
    weights are loaded when the metric is built, so that missing ones are reported before anything
    is trained or tested; copies and pickles of the metric leave the network out and load it again
    when they need it.

    Args:
        backbone: 'alex' or 'vgg' (VGG16).
        weights: A file with the backbone's ``features.*`` in torchvision's names (any precision),
            or a folder with one of ``ALEXNET.files`` or ``VGG16.files`` (pretrained_features.py).
            '' or None: torchvision's download. 'none': random features, only for smoke tests; logs
            a warning.
        batch_size: Most images that are in the network at once, which bounds its memory.
        pred_key: Field of ``output`` with the image to compare.
        area_bins: Edges of ranges of hole area to report on as well; see ``summarize``.
        collect_device: ``'cpu'`` or ``'gpu'``, how results of several ranks are collected.
        prefix: Put before the name.

    Raises:
        FileNotFoundError: The weights are neither at ``weights`` nor downloadable.
        UserError: The backbone or the batch size is unknown, or the file holds other weights.
    """

    metric = 'LPIPS'
    higher_is_better = False

    def __init__(
        self,
        backbone: str = 'alex',
        weights: str | None = None,
        batch_size: int = 16,
        pred_key: str = 'pred_img',
        area_bins: Sequence[float] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        if backbone not in BACKBONES:
            raise UserError(f'backbone: found {backbone!r}, expected one of {tuple(BACKBONES)}')
        if batch_size < 1:
            raise UserError(f'batch_size: found {batch_size}, expected at least 1')
        super().__init__(
            pred_key=pred_key,
            area_bins=area_bins,
            collect_device=collect_device,
            prefix=prefix,
        )
        self.backbone = backbone
        self.weights = weights
        self.batch_size = batch_size
        self._network: nn.Module | None = build_lpips_network(backbone, weights)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), '_network': None}

    @property
    def network(self) -> nn.Module:
        """The ``lpips.LPIPS`` network, frozen, in evaluation mode."""
        if self._network is None:
            self._network = build_lpips_network(self.backbone, self.weights)
        return self._network

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score every sample of one batch.

        Args:
            data_batch: Not used.
            data_samples: Samples as dicts: ``gt_img`` and ``output`` with ``pred_img``.

        Raises:
            UserError: An image is no (3, H, W) image, differs in size from its truth, or is too
                small for the backbone.
        """
        pairs = [self._pair(sample) for sample in data_samples]
        distances = [
            one for chunk in image_chunks(pairs, self.batch_size) for one in self._score(chunk)
        ]
        for sample, distance in zip(data_samples, distances, strict=True):
            self.results.append({**identify(sample), self.metric: distance})

    def _pair(self, sample: dict) -> Tensor:
        """(2, 3, H, W) true image and prediction, float32 RGB in [-1, 1], on the device."""
        pair = images_to_compare(sample, self.pred_key)
        check_size(pair[1], MIN_SIZE[self.backbone], sample_name(sample))
        device = self.model_device or pair[1].device
        return torch.stack([image.to(device).float() for image in pair]).flip(1) / 127.5 - 1

    def _score(self, pairs: Sequence[Tensor]) -> list[float]:
        """Distance of each of some pairs of the same size."""
        truths, images = torch.stack(list(pairs), dim=1)
        network = self.network.to(images.device)
        with (
            torch.no_grad(),
            torch.autocast(images.device.type, enabled=False),
            torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False),
        ):
            return network(images, truths).flatten().tolist()

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the score measures, with backbone and file of its weights."""
        facts = {
            'unit': '',
            'data_range': '-1..1 (from 0..255, not rounded)',
            'color_order': 'RGB (from BGR)',
            'backbone': self.backbone,
            'weights': BACKBONES[self.backbone].source(self.weights, 'LPIPS'),
            'linear_heads': 'lpips v0.1',
        }
        return {self.metric: describe_image_metric(self, **facts)}


def check_size(image: Tensor, min_size: int, name: str) -> None:
    """Refuse a (3, H, W) image that no feature of the last layer would see.

    Raises:
        UserError: A side is shorter than ``min_size`` pixels.
    """
    if min(image.shape[1:]) < min_size:
        raise UserError(
            f'{name}: this backbone of LPIPS needs images of at least {min_size} x {min_size} '
            f'pixels, found {image.shape[1]} x {image.shape[2]}; evaluate larger images '
            f"(backbone='vgg' takes {MIN_SIZE['vgg']} x {MIN_SIZE['vgg']})"
        )
