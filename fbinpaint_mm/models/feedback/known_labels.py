"""Label maps as one plane per class."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

IGNORE_INDEX = 255


def one_hot_where_known(labels: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """One plane per class, and where the label is known at all.

    Args:
        labels: (N, 1, H, W) or (N, H, W) int64 class ids in [0, K); 255 is unknown.
        num_classes: K.

    Returns:
        (N, K, H, W) int64, 1 in the plane of the label and 0 in all planes where it is unknown;
        and (N, 1, H, W) bool, whether it is known.
    """
    labels = labels.reshape(labels.shape[0], 1, *labels.shape[-2:])
    known = labels != IGNORE_INDEX
    planes = F.one_hot(labels.where(known, 0)[:, 0], num_classes).movedim(-1, 1)
    return planes * known, known
