"""Speed of an entry, measured in a process of its own."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.entry import Entry, missing_for_training
from fbinpaint_mm.benchmark.fresh_process import call_in_process
from fbinpaint_mm.benchmark.speed.inference_speed import measure_inference
from fbinpaint_mm.benchmark.speed.meters import PeakMemory
from fbinpaint_mm.benchmark.speed.training_speed import load_training_batches, measure_training
from fbinpaint_mm.user_error import in_one_line

DURATION = 20.0  # seconds


def measure_speed(
    entry: Entry,
    batch: dict[str, list],
    log: Path,
    device: str,
    logger: logging.Logger,
    duration: float = DURATION,
) -> dict[str, Any]:
    """Measure time, arithmetic and memory of inference and training.

    Seconds are medians (``conditions`` says of how many calls); inference at batch size 1 from the
    collated image on, training at the config's batch size without loading its data. Memory on a GPU
    is what torch allocates; on a CPU it is the growth of the peak resident set of a new process.

    Args:
        entry: With its config. Its weights do not matter.
        batch: One image as a data loader collates it, from which inference is measured.
        log: File that the output of the process is added to.
        device: Such as ``'cpu'`` or ``'cuda'``.
        logger: Gets a warning if training cannot be measured.
        duration: Seconds to repeat for: half of them inference, half each phase of the training.

    Returns:
        What ``EntryResult.speed`` describes.

    Raises:
        ChildProcessError: Inference cannot be measured, or the process was killed.
    """
    arguments = (entry.cfg.to_dict(), batch, device, duration)
    speed = call_in_process(measure_entry, *arguments, log=log, device=device)
    error = speed.pop('training_error', None)
    if error is not None:
        logger.warning('%s: speed of training not measured: %s (log: %s)', entry.name, error, log)
    return speed


def measure_entry(
    settings: dict[str, Any], batch: dict[str, list], device: str, duration: float
) -> dict[str, Any]:
    """Everything that ``EntryResult.speed`` holds, of one model in this process.

    Args:
        settings: The whole config, or only ``model`` for one that does not learn.
        batch: One image as a data loader collates it.
        device: Such as ``'cpu'`` or ``'cuda'``.
        duration: As for ``measure_speed``.

    Returns:
        The speed; with ``training_error``, in one line, if there is a training that does not work.
    """
    init_default_scope('mmagic')
    cfg = Config(settings)
    training, error = load_training(cfg)
    memory = PeakMemory(device)
    model = MODELS.build(cfg.model).to(device).eval()
    speed = measure_inference(model, batch, memory, duration / 2)
    if training:
        try:
            numbers = measure_training(model, cfg, training, memory, duration / 2)
            speed['conditions'].update(numbers.pop('conditions'))
            speed.update(numbers)
        except Exception as caught:
            error = describe(caught)
    return {**speed, 'training_error': error} if error else speed


def load_training(cfg: Config) -> tuple[list[dict[str, list]], str | None]:
    """Batches to train with, none if the config does not train; and why they cannot be loaded."""
    if missing_for_training(cfg):
        return [], None
    try:
        return load_training_batches(cfg), None
    except Exception as error:
        return [], describe(error)


def describe(error: Exception) -> str:
    """An error in one line; all of it goes into the log."""
    traceback.print_exception(error)
    return in_one_line(error)


def measure_iteration(settings: dict[str, Any], device: str, duration: float) -> dict[str, Any]:
    """What ``measure_training`` gives, of one model in this process.

    Args:
        settings: The whole config.
        device: Such as ``'cpu'`` or ``'cuda'``.
        duration: Seconds to repeat the iterations of each phase for.
    """
    init_default_scope('mmagic')
    cfg = Config(settings)
    batches = load_training_batches(cfg)
    memory = PeakMemory(device)
    return measure_training(MODELS.build(cfg.model).to(device), cfg, batches, memory, duration)
