"""Maps that somebody else decides: a user, or the ground truth."""

from __future__ import annotations

import torch
from torch import Tensor

from fbinpaint_mm.models.feedback import one_hot_where_known

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
