"""The process in which the speed of one entry is measured: nothing else fills its memory.

``python -m fbinpaint_mm.benchmark.speed.speed_worker FOLDER`` reads ``config.py``, ``batch.pth``
and ``settings.json`` in the folder and writes ``numbers.json``; ``measure_speed`` starts it.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

import fbinpaint_mm  # noqa: F401  (registers every component)
from fbinpaint_mm.benchmark.speed.inference_speed import measure_inference
from fbinpaint_mm.benchmark.speed.measure_speed import BATCH, CONFIG, NUMBERS, SETTINGS
from fbinpaint_mm.benchmark.speed.peak_memory import PeakMemory
from fbinpaint_mm.benchmark.speed.stopwatch import Stopwatch
from fbinpaint_mm.benchmark.speed.training_speed import (
    can_train,
    load_training_batches,
    measure_training,
)
from fbinpaint_mm.write_file import write_file


def measure(cfg: Config, batch: dict[str, list], device: str, limit: float) -> dict[str, Any]:
    """Everything that ``EntryResult.speed`` holds, of one model in this process.

    Args:
        cfg: The whole config, or only ``model`` for one that does not learn.
        batch: One image as a data loader collates it.
        device: Such as ``'cpu'`` or ``'cuda'``.
        limit: Seconds after which repeating ends.

    Returns:
        ``speed``, and ``training_error`` if there is a training that does not work.
    """
    training, error = load_training(cfg)
    memory = PeakMemory(device)
    model = MODELS.build(cfg.model).to(device).eval()
    rounds = getattr(model, 'test_rounds', 0) + 1
    stopwatch = Stopwatch(device, limit=limit / 2 / rounds)
    speed = measure_inference(model, batch, stopwatch, memory)
    speed['conditions'] = conditions(stopwatch, batch)
    if training:
        stopwatch = Stopwatch(device, limit=limit / 2)
        try:
            speed.update(measure_training(model, cfg, training, stopwatch, memory))
            speed['conditions'].update(conditions(stopwatch, training[0], 'training_'))
        except Exception as caught:
            error = describe(caught)
    return {'speed': speed, 'training_error': error} if error else {'speed': speed}


def conditions(stopwatch: Stopwatch, batch: dict[str, list], prefix: str = '') -> dict[str, int]:
    """Under which circumstances medians were taken, as ``EntryResult.speed`` has them.

    Args:
        stopwatch: After it was used; of several medians, the one with the fewest calls counts.
        batch: One of those that were timed.
        prefix: Of the keys, except ``threads``.
    """
    return {
        f'{prefix}warm_up': min(stopwatch.warm_ups),
        f'{prefix}repeats': min(stopwatch.timings),
        f'{prefix}batch_size': len(batch['inputs']),
        'threads': torch.get_num_threads(),
    }


def load_training(cfg: Config) -> tuple[list[dict[str, list]], str | None]:
    """Batches to train with, none if the config does not train; and why they cannot be loaded."""
    if not can_train(cfg):
        return [], None
    try:
        return load_training_batches(cfg), None
    except Exception as error:
        return [], describe(error)


def describe(error: Exception) -> str:
    """An error in one line; all of it goes into the log."""
    traceback.print_exception(error)
    return f'{type(error).__name__}: {error}'.splitlines()[0]


def main(folder: Path) -> None:
    """Measure what the folder describes."""
    init_default_scope('mmagic')
    cfg = Config.fromfile(folder / CONFIG)
    batch = torch.load(folder / BATCH, weights_only=False)
    result = measure(cfg, batch, **json.loads((folder / SETTINGS).read_text()))
    write_file(folder / NUMBERS, json.dumps(result))


if __name__ == '__main__':
    main(Path(sys.argv[1]))
