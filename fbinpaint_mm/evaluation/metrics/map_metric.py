"""What metrics of semantic maps share: where they find maps, labels and holes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmseg.evaluation.metrics.iou_metric import IoUMetric
from torch import Tensor

from fbinpaint_mm.evaluation.metrics.round_views import common_length
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import (
    SampleWiseMetric,
    identify,
    sample_name,
)
from fbinpaint_mm.user_error import UserError


class MapMetric(SampleWiseMetric):
    """A metric of the semantic maps of every round, made of pixel counts that sum over images.

    A model that gives no maps (no rounds asked for, or an inpaintor without semantics) gets no
    counts; the counts of an image with nan pixels are nan.

    Args:
        num_classes: Number of classes K; by default the length of ``classes`` in the metainfo of
            the data set, which the loop hands over.
        ignore_index: Label of pixels that do not count.
        area_bins: Edges of ranges of hole area to report on as well; see ``summarize``.
        collect_device: ``'cpu'`` or ``'gpu'``, how results of several ranks are collected.
        prefix: Put before every name.
    """

    scores_rounds = True

    def __init__(
        self,
        num_classes: int | None = None,
        ignore_index: int = 255,
        area_bins: Sequence[float] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(area_bins=area_bins, collect_device=collect_device, prefix=prefix)
        self.num_classes = num_classes
        self.ignore_index = ignore_index

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the maps of one batch.

        Args:
            data_batch: Not used.
            data_samples: Samples as dicts: ``gt_seg`` (1, H, W) int64, ``mask`` (1, H, W), not 0
                in the hole, and ``output`` with ``round_segs``, the (R, H, W) int64 maps of rounds
                1..R.

        Raises:
            UserError: A sample has maps and no ground truth or no mask.
            UserError: Sizes differ, or the number of classes is unknown.
        """
        for sample in data_samples:
            counts = [one.numpy() for one in self.count_rounds(sample)]
            if not has_finite_image(sample):
                counts = [np.full_like(one, np.nan) for one in counts]
            self.results.append({**identify(sample), 'rounds': counts})

    @abstractmethod
    def count_rounds(self, sample: dict) -> list[Tensor]:
        """Pixel counts of rounds 1..R of one sample, on the CPU; none for a sample without maps."""

    def truth_and_hole(self, sample: dict, like: Tensor) -> tuple[Tensor, Tensor]:
        """The true map and the hole of a sample.

        Args:
            sample: The sample as a dict.
            like: (H, W) map, whose size they must have.

        Returns:
            Two (H, W) tensors on the device of ``like``.

        Raises:
            UserError: One is missing.
            UserError: One has another size.
        """
        return self._field(sample, 'gt_seg', like), self._field(sample, 'mask', like)

    def class_names(self) -> list[str]:
        """Name of each class, from the metainfo of the data set or a number.

        Raises:
            UserError: The number of classes is unknown.
        """
        known = list((self.dataset_meta or {}).get('classes') or ())
        if self.num_classes is None and not known:
            name = type(self).__name__
            raise UserError(
                f'{name} does not know the number of classes: the data set has no "classes" in its '
                f'metainfo; set {name}(num_classes=...) or give the data set METAINFO'
            )
        count = len(known) if self.num_classes is None else self.num_classes
        return [*known, *(f'class {index}' for index in range(len(known), count))][:count]

    def _field(self, sample: dict, key: str, prediction: Tensor) -> Tensor:
        """One (1, H, W) data field as (H, W) on the map's device, its size checked."""
        if key not in sample:
            raise UserError(
                f'{sample_name(sample)}: {type(self).__name__} needs the data field {key!r}; the '
                f'sample has {sorted(sample)}. Pack it with PackInputs(data_keys=[{key!r}])'
            )
        field = sample[key]
        if field.shape != (1, *prediction.shape):
            raise UserError(
                f'{sample_name(sample)}: {key} has shape {tuple(field.shape)}, expected '
                f'{(1, *prediction.shape)} as the map; resize both in the pipeline'
            )
        return field[0].to(prediction.device)


def has_finite_image(sample: Mapping) -> bool:
    """Whether the result is an image; a map of nan pixels has class ids that mean nothing."""
    image = sample['output'].get('pred_img')
    return image is None or bool(torch.as_tensor(image).isfinite().all())


def check_classes(trained_on: Sequence[str], loop: Any) -> None:
    """Refuses scores of maps by a model of other classes than those of the data.

    Args:
        trained_on: Names of the classes of the model; empty if they are not known.
        loop: mmagic's ``MultiTestLoop`` or mmengine's ``TestLoop``.

    Raises:
        UserError: The data have other names, or another order, and a metric is of maps.
    """
    loaders = getattr(loop, 'dataloaders', None) or [loop.dataloader]
    evaluators = getattr(loop, 'evaluators', None) or [loop.evaluator]
    for loader, evaluator in zip(loaders, evaluators, strict=True):
        tested_on = tuple(getattr(loader.dataset, 'metainfo', {}).get('classes') or ())
        of_maps = any(isinstance(metric, (MapMetric, IoUMetric)) for metric in evaluator.metrics)
        if of_maps and trained_on and tested_on and tuple(trained_on) != tested_on:
            raise UserError(
                f'the checkpoint was trained on the classes {", ".join(trained_on)}, but those of '
                f'the test are {", ".join(tested_on)}: scores of maps would mean nothing. Use the '
                'config it was trained with, or tools/benchmark.py, which leaves them out'
            )


def by_round(results: Sequence[dict]) -> dict[int | None, list[np.ndarray]]:
    """Counts of all images by round; the last round is the final result (``None``) as well.

    Args:
        results: One entry per image, with the counts of its rounds 1..R in ``rounds``.

    Returns:
        Round 1..R, then ``None`` -> counts of every image; empty for R = 0.

    Raises:
        UserError: Images of one run have different numbers of rounds.
    """
    rounds = common_length([result['rounds'] for result in results], 'maps')
    columns: dict[int | None, list[np.ndarray]] = {
        r: [result['rounds'][r - 1] for result in results] for r in range(1, rounds + 1)
    }
    if columns:
        columns[None] = columns[rounds]
    return columns
