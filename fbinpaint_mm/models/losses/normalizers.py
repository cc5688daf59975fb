"""Averages over an area that differs between the processes of a distributed training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor


@dataclass
class Normalizers:
    """Makes the mean over ranks of a loss its average over the areas of all ranks together.

    Distributed training takes the mean of the gradients of all ranks. A loss that each rank
    averages over its own hole, or its own labeled pixels, would count a pixel of a rank with few
    of them for more than another. Multiplied by ``own area / mean area`` it counts all the same,
    and the gradient is that of one process with the whole batch.

    Args:
        hole: 0-d float factor of averages over the hole; 1 in a single process, like all factors.
        valid: 0-d float factor of averages over the known pixels.
        labeled: 0-d float factor of averages over the labeled pixels.
        trusted: 0-d float factor of averages over the pixels with pseudo labels, by their weights.
        class_areas: (2, K) float32 mean over ranks of each class's area and of the rest of the
            labeled area; ``None`` in a single process.
    """

    hole: Tensor | float = 1.0
    valid: Tensor | float = 1.0
    labeled: Tensor | float = 1.0
    trusted: Tensor | float = 1.0
    class_areas: Tensor | None = None


def is_one_process() -> bool:
    """Whether there is no other rank to share areas with."""
    return get_world_size() == 1


def normalizers_over_ranks(
    hole: Tensor, valid: Tensor, labeled: Tensor, trusted: Tensor, class_areas: Tensor | None
) -> Normalizers:
    """Share the areas of this rank's batch with all others, in one message.

    Every rank must call this in the same iterations, whatever its batch holds.

    Args:
        hole: 0-d area of the hole, in any unit that all ranks use.
        valid: 0-d area of the known pixels.
        labeled: 0-d area of the labeled pixels.
        trusted: 0-d sum of the weights of the pixels with pseudo labels.
        class_areas: (2, K) area of each class and of the rest of the labeled area; ``None``, on
            all ranks, where there are no maps.

    Returns:
        What to multiply the losses of this rank by.
    """
    own = torch.stack([area.detach().float() for area in (hole, valid, labeled, trusted)])
    areas = own if class_areas is None else torch.cat([own, class_areas.flatten()])
    mean = areas.clone()
    all_reduce(mean, op='mean')
    hole, valid, labeled, trusted = own / mean[:4].clamp_min(torch.finfo(mean.dtype).eps)
    shared = None if class_areas is None else mean[4:].view_as(class_areas)
    return Normalizers(hole, valid, labeled, trusted, shared)
