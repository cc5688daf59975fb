"""What it costs to inpaint one image."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from mmengine.model import BaseModel

from fbinpaint_mm.benchmark.speed.flop_counter import count_flops
from fbinpaint_mm.benchmark.speed.peak_memory import PeakMemory
from fbinpaint_mm.benchmark.speed.stopwatch import Stopwatch


def measure_inference(
    model: BaseModel, batch: dict[str, list], stopwatch: Stopwatch, memory: PeakMemory
) -> dict[str, Any]:
    """Time, arithmetic and memory of one image, for models with rounds for each number of rounds.

    Args:
        model: On its device, in evaluation mode.
        batch: One image as a data loader collates it.
        stopwatch: Its ``limit`` is that of each number of rounds.
        memory: Made before the model.

    Returns:
        ``parameters``, ``seconds_per_image``, ``flops_per_image`` (absent if there are none),
        ``peak_memory``, and ``rounds`` as in ``EntryResult.speed``.
    """
    last_round = getattr(model, 'test_rounds', None)
    variants = [{}] if last_round is None else [{'rounds': r} for r in range(last_round + 1)]
    memory.restart()
    costs = [
        {'seconds_per_image': stopwatch.median(predict, lambda v=v: (model, deepcopy(batch), v))}
        for v in variants
    ]
    peak_memory = memory.bytes()
    for cost, variant in zip(costs, variants, strict=True):
        flops = count_flops(predict, model, deepcopy(batch), variant)
        if flops:
            cost['flops_per_image'] = flops
    numbers = {**costs[-1], 'parameters': count_parameters(model), 'peak_memory': peak_memory}
    return numbers if last_round is None else {**numbers, 'rounds': costs}


@torch.no_grad()
def predict(model: BaseModel, batch: dict[str, list], options: dict[str, Any]) -> None:
    """What ``model.test_step`` does, with further arguments of ``forward``."""
    data = model.data_preprocessor(batch, False)
    model(**data, mode='predict', **options)


def count_parameters(model: BaseModel) -> int:
    """Numbers that inference needs: those of the ``generator``, where the model has one."""
    network = getattr(model, 'generator', model)
    return sum(parameter.numel() for parameter in network.parameters())
