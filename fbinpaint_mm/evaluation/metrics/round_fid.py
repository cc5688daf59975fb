"""Frechet inception distance of every feedback round, by ``torchmetrics``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmagic.registry import METRICS
from mmengine.logging import print_log
from torch import Tensor, nn

from fbinpaint_mm.checkpoint import read_weights
from fbinpaint_mm.evaluation.metrics.round_views import (
    common_length,
    count_rounds,
    image_chunks,
    round_views,
)
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import (
    SampleWiseMetric,
    identify,
    images_to_compare,
)
from fbinpaint_mm.evaluation.protocol import describe_image_metric
from fbinpaint_mm.pretrained_features import find_weight_file
from fbinpaint_mm.user_error import require_extra

# Name that torch-fidelity downloads to.
WEIGHT_FILE = 'weights-inception-2015-12-05-6726825d.pth'
ADDRESS = f'https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{WEIGHT_FILE}'


@METRICS.register_module()
class RoundFID(SampleWiseMetric):
    """FID of the composites of every round: ``round0/FID``, ..., and ``FID`` (M. Heusel et al.).

    Distance of two Gaussians fitted to Inception features (2048) of the true images and of the
    predictions, computed by ``torchmetrics`` on the network of ``torch-fidelity`` with the
    original's resizing (no antialiasing), so that numbers compare with other papers'. Images,
    (3, H, W) BGR in 0..255, are rounded to uint8 and turned into RGB; the whole composite counts.
    Dimensionless, lower is better; 0 for identical sets. It is a score of the set: images have
    none, so there are no bins and ``series`` is empty. Features are kept image by image, so that
    every image counts once on any number of ranks.

    Fewer images than features give a biased and noisy number; a warning says so. It is called
    RoundFID because ``FID`` is the name of mmagic's own, which is for image generators.

    Args:
        weights: A file with torch-fidelity's Inception, or a folder with
            ``weights-inception-2015-12-05-6726825d.pth``. '' or None: its download.
        extractor: Another network: (N, 3, H, W) uint8 RGB -> (N, D) features.
        batch_size: Most images that are in the network at once.
        collect_device: ``'cpu'`` or ``'gpu'``, how results of several ranks are collected.
        prefix: Put before every name.

    Raises:
        UserError: torchmetrics or torch-fidelity is not installed.
        FileNotFoundError: The weights are neither at ``weights`` nor downloadable.
    """

    metric = 'FID'
    higher_is_better = False
    scores_rounds = True

    def __init__(
        self,
        weights: str | None = None,
        extractor: nn.Module | None = None,
        batch_size: int = 16,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        import_torchmetrics()
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.weights = weights
        self.extractor = build_inception(weights) if extractor is None else extractor
        self.backbone = 'Inception v3' if extractor is None else type(extractor).__name__
        self.batch_size = batch_size

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Extract the features of the true images and of every round of one batch.

        Args:
            data_batch: Not used.
            data_samples: Samples as dicts: ``gt_img`` and ``output`` with ``pred_img`` and
                ``round_imgs``, the (R+1, 3, H, W) images of rounds 0..R.
        """
        groups = [self._images(sample) for sample in data_samples]
        features = iter(self._extract([image for group in groups for image in group]))
        for sample, group in zip(data_samples, groups, strict=True):
            truth, *views = [next(features) for _ in group]
            rounds = views[: count_rounds(sample)]
            found = {'truth': truth, 'rounds': rounds, 'final': views[-1]}
            self.results.append({**identify(sample), **found})

    def _images(self, sample: dict) -> list[Tensor]:
        """The true image, then that of every view, each (3, H, W)."""
        views = round_views(sample)
        pairs = [images_to_compare(view) for view in views]
        return [pairs[0][0], *(image for _, image in pairs)]

    def _extract(self, images: Sequence[Tensor]) -> list[np.ndarray]:
        """(D,) float32 features of each image; nan for one with a pixel that is not finite."""
        device = self.model_device or images[-1].device
        extractor = self.extractor.to(device).eval()
        found: list[np.ndarray] = []
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            for chunk in image_chunks(images, self.batch_size):
                batch = torch.stack([as_rgb_bytes(image.to(device)) for image in chunk])
                features = extractor(batch).float().cpu()
                broken = torch.tensor([not image.isfinite().all() for image in chunk])
                found.extend(features.masked_fill(broken[:, None], torch.nan).numpy())
        return found

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Distance of every round to the true images.

        Args:
            results: One entry per image: (D,) features in ``truth``, ``final`` and each of
                ``rounds``.

        Returns:
            ``roundN/FID`` for every round, then ``FID``; nothing for fewer than two images. It is
            nan where an image has no finite features.

        Raises:
            UserError: Images of one run have different numbers of rounds.
        """
        if not has_enough_images(results):
            return {}
        rounds = common_length([result['rounds'] for result in results], 'rounds')
        truth, final = (np.stack([one[key] for one in results]) for key in ('truth', 'final'))
        columns = [np.stack([one['rounds'][r] for one in results]) for r in range(rounds)]
        broken = [
            one['sample']
            for index, one in enumerate(results)
            if not np.isfinite([truth[index], final[index], *(c[index] for c in columns)]).all()
        ]
        self.unscored = {self.metric: broken} if broken else {}
        distances = [frechet_distance(truth, column) for column in columns]
        is_last = rounds > 0 and np.array_equal(columns[-1], final)
        last = distances[-1] if is_last else frechet_distance(truth, final)
        return {**{f'round{r}/FID': one for r, one in enumerate(distances)}, 'FID': last}

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the score measures, with its network."""
        facts = {
            'unit': '',
            'data_range': '0..255, rounded to uint8',
            'color_order': 'RGB (from BGR)',
            'backbone': self.backbone,
            'compared': 'sets of images, by torchmetrics; sample covariance (n - 1)',
            'resize': 'to 299 x 299, as TensorFlow 1, without antialiasing',
        }
        if self.backbone != 'Inception v3':
            del facts['resize']
        return {self.metric: describe_image_metric(self, **facts)}


def import_torchmetrics() -> type:
    """``torchmetrics``' class for the distance.

    Raises:
        UserError: torchmetrics, or torch-fidelity with its Inception network, is not installed.
    """
    require_extra('fid', ('torchmetrics', 'torch_fidelity'))
    from torchmetrics.image.fid import FrechetInceptionDistance

    return FrechetInceptionDistance


def build_inception(weights: str | None) -> nn.Module:
    """torch-fidelity's Inception v3 as torchmetrics runs it.

    Args:
        weights: See ``RoundFID``.

    Returns:
        (N, 3, H, W) uint8 RGB -> (N, 2048), frozen, in evaluation mode.

    Raises:
        FileNotFoundError: The weights are neither at ``weights`` nor downloadable.
        UserError: The file cannot be read, or could run a program.
    """
    path = None
    if weights:
        path = str(find_weight_file(weights, [WEIGHT_FILE], 'Inception weights', 'RoundFID'))
        read_weights(path)  # torch-fidelity would run what the file says
    settings = {'antialias': False, 'feature_extractor_weights_path': path}
    try:
        distance = import_torchmetrics()(feature=2048, **settings)
    except (OSError, RuntimeError) as error:
        raise FileNotFoundError(
            f"RoundFID: {path or ADDRESS} gives no weights of torch-fidelity's Inception "
            f'({error}). Set weights to a file that {ADDRESS} was saved to, or to its folder, or '
            'leave RoundFID out.'
        ) from error
    return distance.inception.requires_grad_(False)


def has_enough_images(results: Sequence[dict]) -> bool:
    """Warn of fewer images than features; false for fewer than the two a variance needs."""
    images, features = len(results), len(results[0]['final']) if results else 0
    if images < max(features, 2):
        print_log(
            f'RoundFID: {images} images for {features} features; FID is biased upwards and noisy '
            'with fewer images than features'
            + ('' if images > 1 else ', and there is none with fewer than two'),
            logger='current',
            level=logging.WARNING,
        )
    return images > 1


def frechet_distance(truth: np.ndarray, features: np.ndarray) -> float:
    """FID by torchmetrics, of features that are there already.

    Args:
        truth: (M, D) features of the true images, M at least 2.
        features: (M, D) features of the predictions.

    Returns:
        The distance, 0 or more; nan if a feature is not finite.
    """
    if not (np.isfinite(truth).all() and np.isfinite(features).all()):
        return float('nan')
    given = nn.Identity()
    given.num_features = truth.shape[1]
    # Only the main process gets here, so nothing may wait for the others.
    distance = import_torchmetrics()(feature=given, sync_on_compute=False)
    distance.update(torch.from_numpy(truth).double(), real=True)
    distance.update(torch.from_numpy(features).double(), real=False)
    return float(distance.compute())


def as_rgb_bytes(image: Tensor) -> Tensor:
    """(3, H, W) BGR in 0..255 of any dtype as rounded uint8 RGB."""
    return image.float().round().clamp(0, 255).to(torch.uint8).flip(0)
