"""Any sample-wise image metric, once for the result of each feedback round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from mmagic.evaluation.metrics.base_sample_wise_metric import BaseSampleWiseMetric
from mmagic.evaluation.metrics.ssim import SSIM
from mmagic.registry import METRICS
from torch import nn
from torch.utils.data import DataLoader

from fbinpaint_mm.evaluation.metrics.round_views import common_length, count_rounds, round_views
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import (
    SampleWiseMetric,
    identify,
    in_full_precision,
    make_series,
    sample_name,
)
from fbinpaint_mm.evaluation.protocol import protocol_of
from fbinpaint_mm.evaluation.score_series import ScoreSeries, higher_is_better
from fbinpaint_mm.user_error import UserError

SSIM_WINDOW = 11  # pixels; without padding a smaller image has no score


@METRICS.register_module()
class PerRound(SampleWiseMetric):
    """Report a metric for the composite of every round: ``round0/SSIM``, ..., and ``SSIM``.

    The inner metric sees each sample once per round, its ``output.pred_img`` replaced by that
    round's image, and as it is for the final score under the metric's plain name, which
    ``save_best`` can ask for. What is measured, its range and color order are the inner metric's;
    so are the direction and the protocol. A model without rounds (mmagic's own inpaintors) gets
    the final score only. After ``evaluate`` the main process has the score of every image and
    round in ``series``.

    Args:
        metric: Config of, or a built, sample-wise mmagic metric: one that derives from
            ``BaseSampleWiseMetric``, adds one result per sample and reports their mean.
        area_bins: Edges of ranges of hole area to report on as well: mean, standard deviation and
            count of each; see ``summarize`` for the names.
        collect_device: ``'cpu'`` or ``'gpu'``, how results of several ranks are collected.
        prefix: Put before every name; by default the inner metric's own prefix.

    Raises:
        UserError: The inner metric is not a sample-wise one, or scores rounds by itself.
        UserError: ``area_bins`` is set for the inner metric.
    """

    metric = 'PerRound'
    scores_rounds = True

    def __init__(
        self,
        metric: dict | BaseSampleWiseMetric,
        area_bins: Sequence[float] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        inner = METRICS.build(metric) if isinstance(metric, Mapping) else metric
        check_inner(inner)
        super().__init__(
            area_bins=area_bins, collect_device=collect_device, prefix=prefix or inner.prefix
        )
        self.inner = inner

    def prepare(self, module: nn.Module, dataloader: DataLoader) -> None:
        """Tell the inner metric, too, about the model and the data (called by mmagic's loops)."""
        super().prepare(module, dataloader)
        self.inner.prepare(module, dataloader)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score every round of every sample of one batch, all in one call of the inner metric.

        Args:
            data_batch: What the data loader gave, handed on to the inner metric.
            data_samples: Samples as dicts: ``gt_img``, ``mask`` and ``output`` with ``pred_img``
                and ``round_imgs``, the composites of rounds 0..R, (R+1, 3, H, W) in 0..255. R may
                differ between runs, not within one.

        Raises:
            UserError: An image is smaller than the window of SSIM.
        """
        views = [round_views(one, self.inner.pred_key) for one in data_samples]
        scores = iter(self._score(data_batch, [view for group in views for view in group]))
        for sample, group in zip(data_samples, views, strict=True):
            found = [next(scores) for _ in group]
            rounds = found[: count_rounds(sample)]
            self.results.append({**identify(sample), 'rounds': rounds, 'final': found[-1]})

    def _score(self, data_batch: Any, samples: list[dict]) -> list[dict[str, float]]:
        """Scores by name of each sample; samples and metric stay as they were."""
        inner = self.inner
        if isinstance(inner, SSIM):
            for sample in samples:
                check_window(sample, inner)
        copies = [
            protect_mask(in_full_precision(sample, inner.pred_key), inner.mask_key)
            for sample in samples
        ]
        inner.process(data_batch, copies)
        results = list(inner.results)
        inner.results.clear()
        if len(results) != len(samples):
            raise UserError(
                f'{type(inner).__name__} gave {len(results)} results for {len(samples)} '
                'samples; PerRound needs a metric with one result per sample'
            )
        scores = [inner.compute_metrics([result]) for result in results]
        return [{name: float(value) for name, value in one.items()} for one in scores]

    def build_series(self, results: list[dict]) -> list[ScoreSeries]:
        """Scores of every round over all images.

        Args:
            results: One entry per image: scores by name in ``final`` and in each of ``rounds``.

        Returns:
            The series of rounds 0..R, then of the final image.

        Raises:
            UserError: Images of one run have different numbers of rounds.
        """
        rounds = common_length([result['rounds'] for result in results], 'rounds')
        columns: dict[int | None, list[dict[str, float]]] = {
            r: [result['rounds'][r] for result in results] for r in range(rounds)
        }
        columns[None] = [result['final'] for result in results]
        return [
            make_series(results, name, r, [one[name] for one in column], self._rises(name))
            for r, column in columns.items()
            for name in column[0]
        ]

    def _rises(self, name: str) -> bool:
        return getattr(self.inner, 'higher_is_better', higher_is_better(name))

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the inner metric measures."""
        return protocol_of(self.inner)


def check_inner(metric: Any) -> None:
    """Refuse a metric that cannot be scored round by round.

    Raises:
        UserError: It is not sample-wise, or scores rounds by itself.
        UserError: It has bins of its own.
    """
    name = type(metric).__name__
    if not isinstance(metric, BaseSampleWiseMetric):
        raise UserError(
            f'PerRound wraps a sample-wise metric of mmagic, got {name}; use one that derives from '
            'BaseSampleWiseMetric, such as PSNR, SSIM or MAE'
        )
    if getattr(metric, 'scores_rounds', False):
        raise UserError(f'{name} scores every round by itself; use it without PerRound')
    if getattr(metric, 'bins', None) is not None:
        raise UserError(f'area_bins belong to PerRound, found in the config of its {name}')


def check_window(sample: Mapping, metric: SSIM) -> None:
    """Refuse an image in which the window of SSIM has no place.

    Args:
        sample: Its prediction is (3, H, W).
        metric: The metric, which may leave out a border.

    Raises:
        UserError: The image is too small.
    """
    height, width = sample['output'][metric.pred_key].shape[-2:]
    needed = SSIM_WINDOW + 2 * metric.crop_border
    if min(height, width) < needed:
        raise UserError(
            f'{sample_name(sample)}: SSIM needs images of at least {needed} x {needed} pixels, '
            f'found {height} x {width}; evaluate larger images, or leave SSIM out of the evaluator'
        )


def protect_mask(sample: dict, mask_key: str | None) -> dict:
    """The same sample with its own copy of the mask, which mmagic's metrics write into.

    Raises:
        UserError: The metric needs a mask and the sample has none.
    """
    if mask_key is None:
        return sample
    if mask_key not in sample:
        raise UserError(
            f'{sample_name(sample)}: the metric reads the hole from {mask_key!r}, which the '
            f'sample does not have; it has {sorted(sample)}'
        )
    return {**sample, mask_key: deepcopy(sample[mask_key])}
