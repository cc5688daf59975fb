"""Guidance of the training images: their own map, mixed with the label map."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from fbinpaint_mm.models.feedback import IGNORE_INDEX


def mix_labels(probabilities: Tensor, label_map: Tensor) -> Tensor:
    """Mixes soft maps with label maps, by a share that is drawn anew for every image.

    ``share * label + (1 - share) * own``, the share uniform in [0, 1]. A guided network that only
    ever reads maps made from the image it is given learns little from them, since they tell it
    nothing new; the label map does, and the mixture teaches it to follow a map as far as the map
    is sure of itself. Related to scheduled sampling (Bengio et al., NeurIPS 2015), which replaces
    a model's own output by the truth whole or not at all.

    Args:
        probabilities: (N, K, H, W) float class probabilities of the model's own maps, in [0, 1].
        label_map: (N, 1, H, W) int64 class ids in [0, K), 255 where unknown: there the model's own
            map stays.

    Returns:
        (N, K, H, W) class probabilities, of the dtype of ``probabilities``. The shares come from
        torch's global generator, so a resumed run draws others.
    """
    known = label_map != IGNORE_INDEX
    classes = label_map.masked_fill(~known, 0)[:, 0]
    one_hot = F.one_hot(classes, probabilities.shape[1]).movedim(-1, 1).to(probabilities.dtype)
    share = torch.rand(len(probabilities), 1, 1, 1, device=probabilities.device)
    return torch.lerp(probabilities, one_hot, share.to(probabilities.dtype) * known)
