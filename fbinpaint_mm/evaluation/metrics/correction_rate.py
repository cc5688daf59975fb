"""How often the recorrection corrects, or spoils, the segmentor's maps in the hole, by class."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmagic.registry import METRICS
from torch import Tensor

from fbinpaint_mm.evaluation.metrics.map_metric import MapMetric, by_round
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import make_series, sample_name
from fbinpaint_mm.evaluation.score_series import ScoreName, ScoreSeries
from fbinpaint_mm.user_error import UserError

KINDS = ('mended', 'spoiled')
GROUP = 'correction'


def correction_counts(
    raw: Tensor,
    corrected: Tensor,
    label: Tensor,
    mask: Tensor,
    num_classes: int,
    ignore_index: int = 255,
) -> Tensor:
    """Pixel counts of what the correction of one map did in the hole, by true class.

    Args:
        raw: (H, W) integer class ids of the map before the correction.
        corrected: (H, W) integer class ids of the map after it.
        label: (H, W) integer class ids in [0, K), ``ignore_index`` where unknown.
        mask: (H, W), not 0 in the hole.
        num_classes: Number of classes K.
        ignore_index: Label of pixels that do not count.

    Returns:
        (2, 2, K) float64 on the CPU. First row: pixels that were wrong and became right, and all
        that were wrong. Second row: pixels that were right and became wrong, and all that were
        right.
    """
    known = (mask != 0) & (label != ignore_index)
    truth = label[known].long()
    before, after = raw[known] == truth, corrected[known] == truth
    chosen = [[~before & after, ~before], [before & ~after, before]]
    counts = [[truth[one].bincount(minlength=num_classes) for one in row] for row in chosen]
    return torch.stack([torch.stack(row) for row in counts]).double().cpu()


@METRICS.register_module()
class CorrectionRate(MapMetric):
    """Does the recorrection correct more than it spoils? ``correction/roundR/mended``, ...

    Compared are, for every round, the segmentor's own map and the corrected one, in the part of
    the hole where the truth is known. ``mended`` is the share of the pixels the segmentor had
    wrong that the correction put right (higher is better); ``spoiled`` the share of the pixels it
    had right that the correction made wrong (lower is better). In percent, of pixels summed over
    all images, so the score depends neither on batches nor on ranks; a share of no pixels is left
    out. Without a round the scores are those of the last one. A part of the map that was dictated
    to the model counts as corrected.

    The scores of single classes would swamp a table of scores; they are in ``class_counts``, from
    which ``class_scores`` makes ``correction/<class>/roundR/mended``. ``CorrectionReportHook``
    logs them.

    Beside the corrected maps, ``output`` has the segmentor's own ones in ``round_raw_segs``,
    (R, H, W) int64.

    Args:
        **kwargs: See :class:`MapMetric`.

    Attributes:
        class_counts: After ``evaluate``, on the main process: (R, 2, 2, K) float64, the counts of
            ``correction_counts`` of every round, summed over all images. ``None`` on the other
            ranks, without maps, and where an image has nan pixels.
    """

    metric = 'mended'

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.class_counts: np.ndarray | None = None

    def count_rounds(self, sample: dict) -> list[Tensor]:
        """The (2, 2, K) counts of rounds 1..R, see ``correction_counts``.

        Raises:
            UserError: A sample has corrected maps and not the segmentor's own.
        """
        output = sample['output']
        if output.get('round_segs') is None:
            return []
        if output.get('round_raw_segs') is None:
            raise UserError(
                f'{sample_name(sample)}: CorrectionRate compares output.round_segs with '
                f'output.round_raw_segs, which is missing; the output has {sorted(output)}'
            )
        maps = zip(output['round_raw_segs'], output['round_segs'], strict=True)
        return [self._count(sample, raw, corrected) for raw, corrected in maps]

    def _count(self, sample: dict, raw: Tensor, corrected: Tensor) -> Tensor:
        label, mask = self.truth_and_hole(sample, corrected)
        classes = len(self.class_names())
        return correction_counts(raw, corrected, label, mask, classes, self.ignore_index)

    def evaluate(self, size: int | None = None) -> dict[str, float]:
        """Reduce the counts of all ranks to scores; see ``SampleWiseMetric.evaluate``."""
        self.class_counts = None
        return super().evaluate(size)

    def build_series(self, results: list[dict]) -> list[ScoreSeries]:
        """Both rates of every round, all classes together."""
        rounds = by_round(results)
        numbers = [number for number in rounds if number is not None]
        if numbers:
            counts = np.stack([np.sum(rounds[number], axis=0) for number in numbers])
            self.class_counts = counts if np.isfinite(counts).all() else None
        # A share of pixels is the intersection over union of a single class.
        return [
            make_series(
                results,
                f'{GROUP}/{kind}',
                number,
                np.stack(column)[:, index].sum(-1, keepdims=True),
                kind == 'mended',
                'iou',
            )
            for number, column in rounds.items()
            for index, kind in enumerate(KINDS)
        ]

    def protocol(self) -> dict[str, dict[str, Any]]:
        """What the two scores measure."""
        facts = {
            'unit': '%',
            'data_range': 'class ids',
            'color_order': 'none',
            'image': 'composite',
            'region': 'hole',
            'mean': 'over pixels of all images',
            'ignored_label': self.ignore_index,
        }
        compared = {
            'mended': "pixels wrong in the segmentor's own map and right in the corrected one",
            'spoiled': "pixels right in the segmentor's own map and wrong in the corrected one",
        }
        return {
            f'{GROUP}/{kind}': {
                **facts,
                'compared': compared[kind],
                'higher_is_better': kind == 'mended',
            }
            for kind in KINDS
        }


def class_scores(counts: np.ndarray, classes: list[str]) -> dict[str, float]:
    """Scores of the single classes.

    Args:
        counts: (R, 2, 2, K), ``CorrectionRate.class_counts``.
        classes: Name of each of the K classes.

    Returns:
        ``correction/<class>/roundR/mended`` and ``.../spoiled`` -> share in percent; a share of
        no pixels is left out.
    """
    shares = shares_of(counts)
    return {
        str(ScoreName(f'{GROUP}/{name}/{kind}', number)): float(shares[number - 1, row, column])
        for column, name in enumerate(classes)
        for number in range(1, len(counts) + 1)
        for row, kind in enumerate(KINDS)
        if not np.isnan(shares[number - 1, row, column])
    }


def shares_of(counts: np.ndarray) -> np.ndarray:
    """(R, 2, K) shares of both kinds in percent of (R, 2, 2, K) counts; nan of no pixels."""
    part, whole = counts[:, :, 0], counts[:, :, 1]
    return 100 * np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)
