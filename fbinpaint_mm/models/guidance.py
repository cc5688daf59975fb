"""What guides the inpainting besides the own maps: dictated maps, and labels while training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mmagic.structures import DataSample
from torch import Tensor

from fbinpaint_mm.models.feedback import IGNORE_INDEX, one_hot_where_known
from fbinpaint_mm.models.mean_teacher import PseudoLabels
from fbinpaint_mm.models.round_samples import padded

# Logit of a class that is certain: exp(-30) = 1e-13 is left for each of the others.
CERTAIN = 30.0


@dataclass(frozen=True)
class Guidance:
    """What guides the rounds of a batch besides the model's own maps.

    Args:
        dictated_map: (N, 1, H, W) int64 class ids that every round's map takes over, 255 where the
            map is the model's own; ``None``: it is everywhere. By a user, or from the label map
            (``DictateLabelMap``), which gives the upper bound of what semantics can do.
        label_map: (N, K, H, W) float class probabilities, all 0 where unknown, that are mixed into
            the map of the last round, see :func:`mix_labels`; ``None`` for none.
    """

    dictated_map: Tensor | None = None
    label_map: Tensor | None = None

    @property
    def is_dictated(self) -> Tensor | None:
        """(N, 1, H, W) bool, where a class is dictated; ``None`` for nowhere."""
        return None if self.dictated_map is None else self.dictated_map != IGNORE_INDEX


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
    """The map that the samples of a batch dictate.

    Args:
        data_samples: Stacked sample, with or without ``dictated_seg`` (N, 1, H, W) int64.
        inputs: (N, 3, H', W') float images, padded perhaps.

    Returns:
        (N, 1, H', W') int64 class ids, 255 where nothing is dictated; ``None`` for nothing at all.
    """
    if 'dictated_seg' not in data_samples:
        return None
    return padded(data_samples.dictated_seg, inputs, IGNORE_INDEX)


def mix_labels(probabilities: Tensor, label_map: Tensor) -> Tensor:
    """Mixes soft maps with label maps, by a share that is drawn anew for every image.

    ``share * label + (1 - share) * own``, the share uniform in [0, 1]. A guided network that only
    ever reads maps made from the image it is given learns little from them, since they tell it
    nothing new; the label map does. The mixture teaches it to follow a map as far as the map is
    certain. Related to scheduled sampling (Bengio et al., NeurIPS 2015), which replaces a
    model's own output by the truth whole or not at all.

    Args:
        probabilities: (N, K, H, W) float class probabilities of the model's own maps, in [0, 1].
        label_map: (N, K, H, W) float class probabilities, all 0 where unknown: there the model's
            own map stays.

    Returns:
        (N, K, H, W) class probabilities, of the dtype of ``probabilities``. The shares come from
        torch's global generator, so a resumed run draws others.
    """
    share = torch.rand(len(probabilities), 1, 1, 1, device=probabilities.device)
    weight = share.to(probabilities.dtype) * label_map.any(1, keepdim=True)
    return torch.lerp(probabilities, label_map.to(probabilities.dtype), weight)


def labels_to_mix(
    data_samples: DataSample, pseudo_labels: PseudoLabels | None, num_classes: int
) -> Tensor:
    """The label maps of a training batch, completed with soft pseudo labels.

    Args:
        data_samples: Stacked sample with ``gt_seg`` (N, 1, H, W) int64 class ids, 255 where
            unknown, and ``is_labeled`` (N,) bool.
        pseudo_labels: Of the U unlabeled images, in their order; ``None`` for none.
        num_classes: K.

    Returns:
        (N, K, H, W) float32 class probabilities. The unlabeled images have those of the teacher,
        all of them together, with a chance of ``trust``, drawn from torch's global generator;
        otherwise 0, as all images have where the label is unknown.
    """
    label_map = one_hot_where_known(data_samples.gt_seg, num_classes)[0].float()
    if pseudo_labels is not None:
        trusted = torch.rand_like(pseudo_labels.trust) < pseudo_labels.trust
        label_map[~data_samples.is_labeled] = pseudo_labels.probabilities * trusted
    return label_map
