"""How right every round's semantic map is, in the hole and overall."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch
from mmagic.registry import METRICS
from mmengine.logging import print_log
from mmseg.evaluation.metrics.iou_metric import IoUMetric
from torch import Tensor

from fbinpaint_mm.evaluation.metrics.map_metric import MapMetric, by_round
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import make_series
from fbinpaint_mm.evaluation.score_series import ScoreSeries

REGIONS = ('mIoU_hole', 'mIoU')
RIGHT = 'aAcc_hole'


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
class HoleIoU(MapMetric):
    """Scores of the corrected map of every round, such as ``roundR/mIoU_hole``.

    ``mIoU_hole`` and ``mIoU`` are the mean over classes, ``aAcc_hole`` is the share of the hole's
    pixels that are right. Without a round they are those of the last one. Maps are counted over the
    whole data set, as mmseg's ``IoUMetric`` does: intersections and unions are summed over images
    before they are divided, so the score does not depend on batches or ranks. Classes that occur
    neither in the ground truth nor in any prediction are skipped; pixels labeled 255, and so
    unlabeled images, do not count. In percent as in mmseg, not rounded, higher is better. In bins
    of hole area the counts of the bin's images are summed; the standard deviation is over the
    mIoU of single images, the count that of images with a labeled pixel there.

    A model that gives no maps (no rounds asked for, or an inpaintor without semantics) gets no
    scores. Without one labeled pixel a warning says so and the score is left out.

    Args:
        **kwargs: See :class:`MapMetric`.
    """

    metric = 'mIoU'

    def count_rounds(self, sample: dict) -> list[Tensor]:
        """The (2, 2, K) counts of rounds 1..R, see ``intersection_and_union``."""
        maps = sample['output'].get('round_segs')
        return [] if maps is None else [self._count(sample, one) for one in maps]

    def _count(self, sample: dict, prediction: Tensor) -> Tensor:
        label, mask = self.truth_and_hole(sample, prediction)
        return intersection_and_union(
            prediction, label, mask, len(self.class_names()), self.ignore_index
        )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Scores of the summed counts.

        Args:
            results: One entry per image; ``rounds`` are the (2, 2, K) counts of its rounds 1..R.

        Returns:
            ``roundR/<name>`` of every round, then ``<name>`` of the last, for the three scores,
            each followed by those of the bins.

        Raises:
            UserError: Images of one run have different numbers of rounds.
        """
        scores = super().compute_metrics(results)
        if self.series:
            warn_of_missing(scores)
        return scores

    def build_series(self, results: list[dict]) -> list[ScoreSeries]:
        """Counts of every round, by name of the score; the last round is the final result."""
        return [
            make_series(results, name, r, items, True, 'iou')
            for r, column in by_round(results).items()
            for name, items in items_of_scores(np.stack(column)).items()
        ]

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the three scores measure."""
        facts = {
            'unit': '%',
            'data_range': 'class ids',
            'color_order': 'none',
            'image': 'composite',
            'higher_is_better': self.higher_is_better,
            'compared': 'corrected map of the composite and true map',
            'mean': 'over classes that occur, of counts summed over images',
            'ignored_label': self.ignore_index,
        }
        hole, whole = {**facts, 'region': 'hole'}, {**facts, 'region': 'whole image'}
        right = {**hole, 'mean': 'over pixels of all images'}
        return dict(zip((*REGIONS, RIGHT), (hole, whole, right), strict=True))


def items_of_scores(counts: np.ndarray) -> dict[str, np.ndarray]:
    """What the scores of a round are made of.

    Args:
        counts: (M, 2, 2, K) of M images, see ``intersection_and_union``.

    Returns:
        By name (M, 2, K) counts, or (M, 2, 1) for a share of pixels, which is the IoU of one class.
    """
    right, union = counts[:, 0].sum(axis=-1, keepdims=True).swapaxes(0, 1)
    # A right pixel is in one union, that of its class, and a wrong one in two.
    pixels = (right + union) / 2
    hole, whole = counts.swapaxes(0, 1)
    return dict(zip((*REGIONS, RIGHT), (hole, whole, np.stack([right, pixels], 1)), strict=True))


def warn_of_missing(scores: dict[str, float]) -> None:
    """Say which score is left out for want of labeled pixels."""
    for name, where in zip(REGIONS, ('inside a hole', 'in any image'), strict=True):
        if name not in scores:
            print_log(
                f'HoleIoU leaves out {name}: no labeled pixel {where}; evaluate on images with '
                'label maps to get it',
                logger='current',
                level=logging.WARNING,
            )
