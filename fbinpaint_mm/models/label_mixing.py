"""Guidance of the training images: their own map, mixed with the label map."""

from __future__ import annotations

import torch
from torch import Tensor

from fbinpaint_mm.models.feedback import IGNORE_INDEX, one_hot_where_known
from fbinpaint_mm.models.pseudo_labels import PseudoLabels


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
    one_hot, known = one_hot_where_known(label_map, probabilities.shape[1])
    share = torch.rand(len(probabilities), 1, 1, 1, device=probabilities.device)
    weight = share.to(probabilities.dtype) * known
    return torch.lerp(probabilities, one_hot.to(probabilities.dtype), weight)


def labels_to_mix(
    label_map: Tensor, is_labeled: Tensor, pseudo_labels: PseudoLabels | None
) -> Tensor:
    """The label maps of a batch, completed with pseudo labels.

    Args:
        label_map: (N, 1, H, W) int64 class ids, 255 where unknown.
        is_labeled: (N,) bool.
        pseudo_labels: Of the U unlabelled images, in their order; ``None`` for none.

    Returns:
        (N, 1, H, W) int64. The unlabelled images have their pseudo labels, all of them together,
        with a chance of ``trust``, drawn from torch's global generator; otherwise 255.
    """
    if pseudo_labels is None:
        return label_map
    completed = label_map.clone()
    trusted = torch.rand_like(pseudo_labels.trust) < pseudo_labels.trust
    completed[~is_labeled] = pseudo_labels.label.unsqueeze(1).masked_fill(~trusted, IGNORE_INDEX)
    return completed
