"""Mean intersection over union of every round's semantic map, in the hole and overall."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmagic.registry import METRICS
from mmengine.logging import print_log
from mmseg.evaluation.metrics.iou_metric import IoUMetric
from torch import Tensor

from fbinpaint_mm.evaluation.metrics.round_views import common_length
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import (
    SampleWiseMetric,
    identify,
    make_series,
    sample_name,
)
from fbinpaint_mm.evaluation.score_series import ScoreSeries

REGIONS = ('mIoU_hole', 'mIoU')


def intersection_and_union(
    prediction: Tensor, label: Tensor, mask: Tensor, num_classes: int, ignore_index: int = 255
) -> Tensor:
    """Pixel counts of one map against its ground truth, in the hole and in the whole image.

    The counting is mmseg's ``IoUMetric.intersect_and_union``.

    Args:
        prediction: (H, W) integer class ids.
        label: (H, W) integer class ids, ``ignore_index`` where unknown.
        mask: (H, W), not 0 in the hole.
        num_classes: Number of classes K.
        ignore_index: Label of pixels that do not count.

    Returns:
        (2, 2, K) float64 on the CPU: hole and whole image x intersection and union x class.
    """
    in_hole = label.masked_fill(mask == 0, ignore_index)
    counts = [
        torch.stack(IoUMetric.intersect_and_union(prediction, area, num_classes, ignore_index)[:2])
        for area in (in_hole, label)
    ]
    return torch.stack(counts).double()


@METRICS.register_module()
class HoleIoU(SampleWiseMetric):
    """mIoU of the corrected map of every round: ``roundR/mIoU_hole``, ``roundR/mIoU``.

    ``mIoU_hole`` and ``mIoU`` without a round are those of the last one. Maps are counted over the
    whole data set, as mmseg's ``IoUMetric`` does: intersections and unions are summed over images
    before they are divided, so the score does not depend on batches or ranks. Classes that occur
    neither in the ground truth nor in any prediction are skipped; pixels labelled 255, and so
    unlabelled images, do not count. In percent as in mmseg, not rounded, higher is better. In bins
    of hole area the counts of the bin's images are summed; the standard deviation is over the
    mIoU of single images, the count that of images with a labelled pixel there.

    A model that gives no maps (no rounds asked for, or an inpaintor without semantics) gets no
    scores. Without one labelled pixel a warning says so and the score is left out.

    Args:
        num_classes: Number of classes; by default the length of ``classes`` in the metainfo of the
            data set, which the loop hands over.
        ignore_index: Label of pixels that do not count.
        seg_key: Field of ``output`` with the maps, (R, H, W) int64, of rounds 1..R.
        gt_key: Data field with the true map, (1, H, W) int64.
        mask_key: Data field with the hole, (1, H, W), not 0 in the hole.
        area_bins: Edges of ranges of hole area to report on as well; see ``summarise``.
        collect_device: ``'cpu'`` or ``'gpu'``, how results of several ranks are collected.
        prefix: Put before every name.
    """

    metric = 'mIoU'
    scores_rounds = True

    def __init__(
        self,
        num_classes: int | None = None,
        ignore_index: int = 255,
        seg_key: str = 'round_segs',
        gt_key: str = 'gt_seg',
        mask_key: str = 'mask',
        area_bins: Sequence[float] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(
            gt_key=gt_key,
            mask_key=mask_key,
            area_bins=area_bins,
            collect_device=collect_device,
            prefix=prefix,
        )
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.seg_key = seg_key

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the maps of one batch.

        Args:
            data_batch: Not used.
            data_samples: Samples as dicts: ``gt_seg``, ``mask`` and ``output.round_segs``.

        Raises:
            KeyError: A sample has maps and no ground truth or no mask.
            ValueError: Sizes differ, or the number of classes is unknown.
        """
        for sample in data_samples:
            maps = sample['output'].get(self.seg_key)
            counts = [] if maps is None else [self._count(sample, one).numpy() for one in maps]
            self.results.append({**identify(sample), 'rounds': counts})

    def _count(self, sample: dict, prediction: Tensor) -> Tensor:
        label, mask = (self._field(sample, key, prediction) for key in (self.gt_key, self.mask_key))
        return intersection_and_union(
            prediction, label, mask, self._count_of_classes(), self.ignore_index
        )

    def _field(self, sample: dict, key: str, prediction: Tensor) -> Tensor:
        """One (1, H, W) data field as (H, W) on the map's device, its size checked."""
        if key not in sample:
            raise KeyError(
                f'{sample_name(sample)}: HoleIoU needs the data field {key!r}; the sample has '
                f'{sorted(sample)}. Pack it with PackInputs(data_keys=[{key!r}])'
            )
        field = sample[key]
        if field.shape != (1, *prediction.shape):
            raise ValueError(
                f'{sample_name(sample)}: {key} has shape {tuple(field.shape)}, expected '
                f'{(1, *prediction.shape)} as the map; resize both in the pipeline'
            )
        return field[0].to(prediction.device)

    def _count_of_classes(self) -> int:
        if self.num_classes is not None:
            return self.num_classes
        classes = (self.dataset_meta or {}).get('classes')
        if not classes:
            raise ValueError(
                'HoleIoU does not know the number of classes: the data set has no "classes" in its '
                'metainfo; set HoleIoU(num_classes=...) or give the data set METAINFO'
            )
        return len(classes)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Scores of the summed counts.

        Args:
            results: One entry per image; ``rounds`` are the (2, 2, K) counts of its rounds 1..R.

        Returns:
            ``roundR/<name>`` of every round, then ``<name>`` of the last, for the two regions,
            each followed by those of the bins.

        Raises:
            ValueError: Images of one run have different numbers of rounds.
        """
        scores = super().compute_metrics(results)
        if self.series:
            warn_of_missing(scores)
        return scores

    def build_series(self, results: list[dict]) -> list[ScoreSeries]:
        """Counts of every round, each region on its own; the last round is the final result."""
        rounds = common_length([result['rounds'] for result in results], 'maps')
        columns = {r: [result['rounds'][r - 1] for result in results] for r in range(1, rounds + 1)}
        if columns:
            columns[None] = columns[rounds]
        return [
            make_series(results, name, r, np.stack(column)[:, region], True, 'iou')
            for r, column in columns.items()
            for region, name in enumerate(REGIONS)
        ]

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the two scores measure."""
        facts = {
            'unit': '%',
            'data_range': 'class ids',
            'colour_order': 'none',
            'image': 'composite',
            'higher_is_better': self.higher_is_better,
            'compared': 'corrected map of the composite and true map',
            'mean': 'over classes that occur, of counts summed over images',
            'ignored_label': self.ignore_index,
        }
        regions = ('hole', 'whole image')
        return {
            name: {**facts, 'region': region} for name, region in zip(REGIONS, regions, strict=True)
        }


def warn_of_missing(scores: dict[str, float]) -> None:
    """Say which score is left out for want of labelled pixels."""
    for name, where in zip(REGIONS, ('inside a hole', 'in any image'), strict=True):
        if name not in scores:
            print_log(
                f'HoleIoU leaves out {name}: no labelled pixel {where}; evaluate on images with '
                'label maps to get it',
                logger='current',
                level=logging.WARNING,
            )
