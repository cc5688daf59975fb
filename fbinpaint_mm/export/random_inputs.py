"""Inputs to trace a step with, and to compare it on."""

from __future__ import annotations

import torch
from torch import Tensor

from fbinpaint_mm.export.exported_step import PREVIOUS, ExportedStep


def random_inputs(
    step: ExportedStep, batch_size: int, size: tuple[int, int], seed: int
) -> tuple[Tensor, ...]:
    """Random inputs of a step, in the order of its ``input_names``.

    Args:
        step: Decides which inputs, and how many classes.
        batch_size: N.
        size: (height, width) in pixels.
        seed: Of the random numbers; the same seed gives the same inputs.

    Returns:
        float32 tensors as :class:`ExportedStep` describes them. Holes differ within a batch: a
        rectangle, everything, nothing, and so on.
    """
    generator = torch.Generator().manual_seed(seed)
    planes = (batch_size, 1, *size)

    def uniform(channels: int) -> Tensor:
        return torch.rand((batch_size, channels, *size), generator=generator)

    inputs = {
        'image': (uniform(3) * 256).floor(),
        'mask': _holes(planes),
        'composite': uniform(3) * 255,
        'map': (4 * uniform(max(step.num_classes, 1))).softmax(1),
        'confidence': uniform(1),
    }
    return tuple(inputs[name.removeprefix(PREVIOUS)] for name in step.input_names)


def _holes(shape: tuple[int, int, int, int]) -> Tensor:
    height, width = shape[-2:]
    masks = torch.zeros(shape)
    masks[0::3, :, height // 4 : height // 4 * 3, width // 3 : width // 3 * 2 + 1] = 1
    masks[1::3] = 1
    return masks
