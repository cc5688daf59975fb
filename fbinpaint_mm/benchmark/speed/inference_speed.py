"""What it costs to inpaint one image."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import Any

import torch
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.model import BaseModel

from fbinpaint_mm.benchmark.fresh_process import restore_config
from fbinpaint_mm.benchmark.picture_files import masked_image
from fbinpaint_mm.benchmark.speed.meters import (
    PeakMemory,
    count_flops,
    describe_timings,
    time_call,
)
from fbinpaint_mm.models.onnx_inpaintor import OnnxInpaintor


def inference_speed(
    settings: dict[str, Any], batch: dict[str, list], device: str, duration: float
) -> dict[str, Any]:
    """What ``measure_inference`` gives, of one model in this process.

    Args:
        settings: The whole config, or only its ``model``.
        batch: One image as a data loader collates it.
        device: Such as ``'cpu'`` or ``'cuda'``.
        duration: Seconds to repeat all timings for together.
    """
    cfg, memory = restore_config(settings), PeakMemory(device)
    model = MODELS.build(cfg.model).to(device).eval()
    return measure_inference(model, batch, memory, duration)


def measure_inference(
    model: BaseModel, batch: dict[str, list], memory: PeakMemory, duration: float
) -> dict[str, Any]:
    """Time, arithmetic and memory of one image, for models with rounds for each number of rounds.

    Args:
        model: On its device, in evaluation mode.
        batch: One image as a data loader collates it.
        memory: Made before the model.
        duration: Seconds to repeat all timings for together.

    Returns:
        ``parameters`` (absent for an ONNX file), ``seconds_per_image``, ``flops_per_image`` (absent
        if there are none), ``peak_memory``, ``conditions``, and ``rounds`` as in
        ``EntryResult.speed``.
    """
    last_round = getattr(model, 'test_rounds', None)
    variants = [{}] if last_round is None else [{'rounds': r} for r in range(last_round + 1)]
    memory.restart()
    prepared = [partial(arguments_of, model, batch, options) for options in variants]
    timings = [time_call(predict, prepare, duration / len(variants)) for prepare in prepared]
    peak_memory = memory.bytes()
    costs: list[dict[str, Any]] = []
    for timing, prepare in zip(timings, prepared, strict=True):
        flops = count_flops(predict, *prepare())
        counted = {'flops_per_image': flops} if flops else {}
        costs.append({'seconds_per_image': timing.seconds, **counted})
    numbers = {
        **costs[-1],
        'peak_memory': peak_memory,
        'conditions': describe_timings(timings, batch),
    }
    if not isinstance(model, OnnxInpaintor):  # torch does not see into it
        numbers['parameters'] = count_parameters(model)
    return numbers if last_round is None else {**numbers, 'rounds': costs}


def arguments_of(model: BaseModel, batch: dict[str, list], options: dict[str, Any]) -> tuple:
    """Arguments of ``predict``, with a batch of its own."""
    return model, deepcopy(batch), options


@torch.no_grad()
def predict(model: BaseModel, batch: dict[str, list], options: dict[str, Any]) -> None:
    """What ``model.test_step`` does, with further arguments of ``forward``."""
    data = model.data_preprocessor(batch, False)
    model(**data, mode='predict', **options)


def count_parameters(model: BaseModel) -> int:
    """Numbers that inference needs: those of the ``generator``, where the model has one."""
    network = getattr(model, 'generator', model)
    return sum(parameter.numel() for parameter in network.parameters())


def make_synthetic_batch(size: int) -> dict[str, list]:
    """A batch of one square image of noise, to time models on any size without any data.

    Args:
        size: Height and width in pixels; the middle half of each side is hole.

    Returns:
        A batch as a data loader collates it: ``inputs``, one (3, H, W) float32 image in 0..255 with
        a gray hole; ``data_samples``, one with ``gt_img`` (3, H, W) uint8 BGR and ``mask``
        (1, H, W) uint8, 1 in the hole.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (3, size, size), generator=generator, dtype=torch.uint8)
    mask = torch.zeros(1, size, size, dtype=torch.uint8)
    inside = slice(size // 4, size - size // 4)
    mask[:, inside, inside] = 1
    sample = DataSample(gt_img=image, mask=mask)
    sample.set_metainfo(dict(gt_path=f'noise_{size}.png', sample_idx=0))
    return dict(inputs=[masked_image(image, mask)], data_samples=[sample])
