"""Any sample-wise image metric, once for the result of each feedback round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from mmagic.evaluation.metrics.base_sample_wise_metric import BaseSampleWiseMetric
from mmagic.registry import METRICS
from torch import nn
from torch.utils.data import DataLoader

from fbinpaint_mm.evaluation.metrics.sample_wise_metric import SampleWiseMetric, sample_name


@METRICS.register_module()
class PerRound(SampleWiseMetric):
    """Report a metric for the composite of every round: ``round0/SSIM``, ..., and ``SSIM``.

    The inner metric sees each sample once per round, its ``output.pred_img`` replaced by that
    round's image, and once more as it is for the final score under the metric's plain name, which
    ``save_best`` can ask for. What is measured, its range and colour order are the inner metric's.
    A model without rounds (mmagic's own inpaintors) gets the final score only.

    Args:
        metric: Config of, or a built, sample-wise mmagic metric: one that derives from
            ``BaseSampleWiseMetric`` and adds one result per sample.
        rounds_key: Field of ``output`` with the composites, (R+1, 3, H, W) in 0..255, of rounds
            0..R. R may differ between runs, not within one.
        collect_device: ``'cpu'`` or ``'gpu'``, how results of several ranks are collected.
        prefix: Put before every name; by default the inner metric's own prefix.

    Raises:
        TypeError: The inner metric is not a sample-wise one.
    """

    metric = 'PerRound'

    def __init__(
        self,
        metric: dict | BaseSampleWiseMetric,
        rounds_key: str = 'round_imgs',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        inner = METRICS.build(metric) if isinstance(metric, Mapping) else metric
        if not isinstance(inner, BaseSampleWiseMetric):
            raise TypeError(
                f'PerRound wraps a sample-wise metric of mmagic, got {type(inner).__name__}; use '
                'one that derives from BaseSampleWiseMetric, such as PSNR, SSIM or MAE'
            )
        super().__init__(collect_device=collect_device, prefix=prefix or inner.prefix)
        self.inner = inner
        self.rounds_key = rounds_key

    def prepare(self, module: nn.Module, dataloader: DataLoader) -> None:
        """Tell the inner metric, too, about the model and the data (called by mmagic's loops)."""
        super().prepare(module, dataloader)
        self.inner.prepare(module, dataloader)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score every round of every sample of one batch.

        Args:
            data_batch: What the data loader gave, handed on to the inner metric.
            data_samples: Samples as dicts: ``gt_img``, ``mask`` and ``output`` with ``pred_img``
                and ``round_imgs``.
        """
        views = [[sample, *self._rounds_of(sample)] for sample in data_samples]
        scores = iter(self._score(data_batch, [view for group in views for view in group]))
        for group in views:
            final, *rounds = [next(scores) for _ in group]
            self.results.append({'final': final, 'rounds': rounds})

    def _rounds_of(self, sample: dict) -> list[dict]:
        """One copy of the sample per round, with that round's image as the prediction."""
        images = sample['output'].get(self.rounds_key)
        return [] if images is None else [replace_prediction(sample, image) for image in images]

    def _score(self, data_batch: Any, samples: list[dict]) -> list[dict]:
        """One result of the inner metric per sample; samples and metric stay as they were."""
        copies = [protect_mask(sample, self.inner.mask_key) for sample in samples]
        self.inner.process(data_batch, copies)
        results = list(self.inner.results)
        self.inner.results.clear()
        if len(results) != len(samples):
            raise TypeError(
                f'{type(self.inner).__name__} gave {len(results)} results for {len(samples)} '
                'samples; PerRound needs a metric with one result per sample'
            )
        return results

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Mean of every round over all images.

        Args:
            results: One entry per image: ``final`` and ``rounds``, results of the inner metric.

        Returns:
            ``roundN/<name>`` for every round, then ``<name>`` of the final image.

        Raises:
            ValueError: Images of one run have different numbers of rounds.
        """
        if not results:
            return {}
        counts = {len(result['rounds']) for result in results}
        if len(counts) > 1:
            raise ValueError(
                f'images of one evaluation have different numbers of rounds: {sorted(counts)}; '
                'evaluate with one fixed number of rounds'
            )
        scores = {}
        for index in range(counts.pop()):
            means = self.inner.compute_metrics([result['rounds'][index] for result in results])
            scores.update({f'round{index}/{name}': float(mean) for name, mean in means.items()})
        means = self.inner.compute_metrics([result['final'] for result in results])
        return {**scores, **{name: float(mean) for name, mean in means.items()}}


def replace_prediction(sample: dict, image: torch.Tensor) -> dict:
    """The same sample with another ``output.pred_img``; nothing is copied or changed in place."""
    return {**sample, 'output': {**sample['output'], 'pred_img': image}}


def protect_mask(sample: dict, mask_key: str | None) -> dict:
    """The same sample with its own copy of the mask, which mmagic's metrics write into.

    Raises:
        KeyError: The metric needs a mask and the sample has none.
    """
    if mask_key is None:
        return sample
    if mask_key not in sample:
        raise KeyError(
            f'{sample_name(sample)}: the metric reads the hole from {mask_key!r}, which the '
            f'sample does not have; it has {sorted(sample)}'
        )
    return {**sample, mask_key: deepcopy(sample[mask_key])}
