"""The bridge that lets one metric run under mmagic's and under mmengine's evaluator."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmagic.evaluation.metrics.base_sample_wise_metric import BaseSampleWiseMetric
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.utils.data import DataLoader

from fbinpaint_mm.datasets.partly_labeled_dataset import name_with_hole
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.evaluation.protocol import describe_image_metric
from fbinpaint_mm.evaluation.score_series import ScoreSeries, name_some, summarize
from fbinpaint_mm.user_error import UserError


class SampleWiseMetric(BaseSampleWiseMetric):
    """mmagic's sample-wise metric, callable by both kinds of evaluator, with a memory of images.

    mmagic's ``Evaluator`` calls ``prepare(model, dataloader)`` and then ``evaluate()``, mmengine's
    calls ``evaluate(size)``; mmagic's own metrics refuse the second. ``self.results`` holds one
    entry per image, so that the entries of all ranks, less the padding of the last batch, can be
    collected and every image counts once. Images may come in half precision: scores are computed
    in float32 at least.

    Args:
        *args: What mmagic's metric takes.
        area_bins: Edges of ranges of hole area, such as (0.1, 0.2, 0.3), whose scores are reported
            as well, with standard deviation and number of images; see ``summarize``. The area is
            that of the sample's ``mask``; an image without one counts only overall.
        **kwargs: What mmagic's metric takes.

    Attributes:
        series: After ``evaluate``, on the main process (rank 0): the score of every image of the
            whole data set, for each metric and round. Empty on the other ranks.
        unscored: After ``evaluate``, on the main process: name of each score that is nan because
            images have no finite one -> their names.
        model_device: Device of the model once ``prepare`` has seen it.
        higher_is_better: Which direction is better.
        scores_rounds: Whether the metric scores the rounds of the feedback by itself.
    """

    default_prefix = ''  # without one, mmengine warns at every start
    higher_is_better = True
    scores_rounds = False

    def __init__(self, *args: Any, area_bins: Sequence[float] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bins = None if area_bins is None else HoleAreaBins(area_bins)
        self.series: list[ScoreSeries] = []
        self.unscored: dict[str, list[str]] = {}
        self.model_device: torch.device | None = None

    def prepare(self, module: nn.Module, dataloader: DataLoader) -> None:
        """Note the size of the data set and the device of the model (called by mmagic's loops)."""
        super().prepare(module, dataloader)
        parameter = next(module.parameters(), None)
        self.model_device = None if parameter is None else parameter.device

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score every sample of one batch.

        Args:
            data_batch: What the data loader gave; not used by mmagic's metrics.
            data_samples: Samples as dicts: ``gt_img``, ``mask`` and ``output`` with ``pred_img``.
        """
        start = len(self.results)
        super().process(data_batch, [in_full_precision(s, self.pred_key) for s in data_samples])
        for result, sample in zip(self.results[start:], data_samples, strict=True):
            result.update(identify(sample))

    def evaluate(self, size: int | None = None) -> dict[str, float]:
        """Reduce the results of all ranks to scores.

        Args:
            size: Number of images in the whole data set; by default the one found by ``prepare``.

        Returns:
            Name of each score -> its value, the same on every rank. It is nan, and an error in the
            log names the images, where images have no finite score.
        """
        if size is not None:
            self.size = size
        self.series, self.unscored = [], {}
        scores = super().evaluate()
        for name, images in self.unscored.items():
            tell_unscored(name, images, self.size)
        if self.series and len(self.series[0]) < self.size:
            tell_left_out(self.series[0].metric, len(self.series[0]), self.size)
        return scores

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Keep the scores of the images as ``series`` and summarize them.

        Args:
            results: One entry per image.

        Returns:
            Name of each score -> its value.
        """
        self.series = self.build_series(results) if results else []
        self.unscored = unscored_images(self.series)
        return summarize(self.series, self.bins)

    def build_series(self, results: list[dict]) -> list[ScoreSeries]:
        """The scores of all images, in order; here of the final image alone.

        Args:
            results: One entry per image, at least one.

        Returns:
            One series for each metric and round.
        """
        scores = [float(result[self.metric]) * self.scaling for result in results]
        return [make_series(results, self.metric, None, scores, self.higher_is_better)]

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the metric measures: unit, data range, colors, image, region, direction.

        Returns:
            Name of the score -> facts, as JSON can hold them.
        """
        return {self.metric: describe_image_metric(self)}


def make_series(
    results: Sequence[dict],
    metric: str,
    round_index: int | None,
    items: Iterable[Any],
    higher_is_better: bool,
    reduction: str = 'mean',
) -> ScoreSeries:
    """A series of the images that the results are about.

    Args:
        results: One dict per image, with what ``identify`` gave.
        metric: Name of the metric.
        round_index: Round 0..R, or ``None`` for the final result.
        items: Score of each image, or what ``reduction`` takes.
        higher_is_better: Which direction is better.
        reduction: How the score of the set is made.

    Returns:
        The series.
    """
    return ScoreSeries(
        metric=metric,
        round=round_index,
        samples=[result['sample'] for result in results],
        hole_areas=np.array([result['hole_area'] for result in results], dtype=float),
        items=np.array(list(items), dtype=float),
        reduction=reduction,
        higher_is_better=higher_is_better,
    )


def unscored_images(series: Sequence[ScoreSeries]) -> dict[str, list[str]]:
    """Metric -> the images that have no finite score in one of its rounds, without repetition."""
    found: dict[str, dict[str, None]] = {}
    for one in series:
        if one.unscored:
            found.setdefault(one.metric, {}).update(dict.fromkeys(one.unscored))
    return {metric: list(names) for metric, names in found.items()}


def tell_unscored(name: str, images: Sequence[str], size: int) -> None:
    """Log which images leave a score without a mean."""
    print_log(
        f'{name} is nan: {len(images)} of {size} images have no finite score: {name_some(images)}. '
        "Their results have nan or infinite pixels, or equal their images under mmagic's PSNR "
        '(FinitePSNR has a ceiling)',
        logger='current',
        level=logging.ERROR,
    )


def tell_left_out(name: str, images: int, size: int) -> None:
    """Log that fewer images were scored than the data set has."""
    print_log(
        f'{name} is the score of {images} of {size} images: the data loader leaves out the others; '
        'look for drop_last and num_batch_per_epoch in its settings',
        logger='current',
        level=logging.WARNING,
    )


def identify(sample: Mapping) -> dict[str, Any]:
    """What a result has to remember of its image: its name and the area of its hole."""
    return {'sample': sample_name(sample), 'hole_area': hole_area(sample)}


def sample_name(sample: Mapping) -> str:
    """How an error or a file names one sample: by its image and, of several, its hole."""
    return name_with_hole(image_name(sample), sample.get('hole_index', 0))


def image_name(sample: Mapping) -> str:
    """The path of the image of a sample, else its index; several holes share it."""
    for key in ('gt_path', 'img_path', 'sample_idx'):
        if sample.get(key) is not None:
            return str(sample[key])
    return 'a sample without gt_path'


def hole_area(sample: Mapping) -> float:
    """Share of an image that is hole.

    Args:
        sample: A sample; its ``mask`` is a (1, H, W) tensor or array, not 0 in the hole.

    Returns:
        Value in [0, 1]; nan for a sample without ``mask``.
    """
    if sample.get('mask') is None:
        return float('nan')
    mask = torch.as_tensor(sample['mask'])
    return int(torch.count_nonzero(mask)) / mask.numel()


def images_to_compare(sample: Mapping, pred_key: str = 'pred_img') -> tuple[Tensor, Tensor]:
    """The true image and the predicted one.

    Args:
        sample: A sample as dict; ``gt_img`` is the true image.
        pred_key: Field of ``output`` with the prediction.

    Returns:
        Two (3, H, W) images of one size, as they are.

    Raises:
        UserError: One of them is not there.
        UserError: They are no images, or differ in size.
    """
    found = []
    for fields, key, where in ((sample, 'gt_img', ''), (sample['output'], pred_key, 'output.')):
        if fields.get(key) is None:
            raise UserError(
                f'{sample_name(sample)}: the metric needs {where}{key}; found {sorted(fields)}'
            )
        found.append(torch.as_tensor(fields[key]))
    truth, image = found
    if image.ndim != 3 or image.shape[0] != 3 or image.shape != truth.shape:
        raise UserError(
            f'{sample_name(sample)}: the metric compares two (3, H, W) images of one size, found '
            f'{tuple(truth.shape)} (gt_img) and {tuple(image.shape)} ({pred_key})'
        )
    return truth, image


def in_full_precision(sample: dict, pred_key: str) -> dict:
    """The same sample with a float32 prediction where that was of half precision.

    Args:
        sample: A sample whose ``output`` may have the prediction, in 0..255; it is not changed.
        pred_key: Name of the prediction in ``output``.

    Returns:
        The sample itself, or a copy that shares everything but the prediction.
    """
    image = sample['output'].get(pred_key)
    if not isinstance(image, Tensor) or image.dtype not in (torch.half, torch.bfloat16):
        return sample
    return {**sample, 'output': {**sample['output'], pred_key: image.float()}}
