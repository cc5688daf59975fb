"""Maps that somebody else decides: a user, or the ground truth."""

from __future__ import annotations

import torch
from mmagic.structures import DataSample
from torch import Tensor

from fbinpaint_mm.models.feedback import IGNORE_INDEX, one_hot_where_known
from fbinpaint_mm.models.padding import padded

# Logit of a class that is certain: exp(-30) = 1e-13 is left for each of the others.
CERTAIN = 30.0


def dictate(logits: Tensor, dictated_map: Tensor) -> Tensor:
    """Replaces a map where another is dictated.

    Args:
        logits: (N, K, H, W) float logits of the model's own map.
        dictated_map: (N, 1, H, W) int64 class ids in [0, K), 255 where the model's map stays.

    Returns:
        (N, K, H, W) logits: certain of the dictated class, or as they were. No gradient flows where
        the map is dictated.
    """
    one_hot, dictated = one_hot_where_known(dictated_map, logits.shape[1])
    return torch.where(dictated, CERTAIN * one_hot.to(logits.dtype), logits)


def dictated_map_of(data_samples: DataSample, inputs: Tensor) -> Tensor | None:
    """The map that a user dictates.

    Args:
        data_samples: Stacked sample, with or without ``dictated_seg`` (N, 1, H, W) int64.
        inputs: (N, 3, H', W') float images, padded perhaps.

    Returns:
        (N, 1, H', W') int64 class ids, 255 where nothing is dictated; ``None`` for nothing at all.
    """
    if 'dictated_seg' not in data_samples:
        return None
    return padded(data_samples.dictated_seg, inputs, IGNORE_INDEX)


def true_map_of(data_samples: DataSample, inputs: Tensor) -> Tensor:
    """The ground truth.

    Args:
        data_samples: Stacked sample with ``gt_seg`` (N, 1, H, W) int64.
        inputs: (N, 3, H', W') float images, padded perhaps.

    Returns:
        (N, 1, H', W') int64 class ids, 255 where unknown.

    Raises:
        ValueError: If there is none.
    """
    if 'gt_seg' not in data_samples:
        raise ValueError(
            'guide_by_ground_truth=True needs gt_seg in every sample; found '
            f'{sorted(data_samples.keys())}. Load it with LoadSemanticMap and pack it'
        )
    return padded(data_samples.gt_seg, inputs, IGNORE_INDEX)


def first_known(first: Tensor | None, second: Tensor) -> Tensor:
    """Labels of the first map, and of the second where the first has none, or there is no first.

    Args:
        first: (N, 1, H, W) int64 class ids, 255 where unknown, or ``None``.
        second: Likewise, not ``None``.

    Returns:
        (N, 1, H, W) int64 class ids, 255 where both are unknown.
    """
    return second if first is None else first.where(first != IGNORE_INDEX, second)
