"""Peak memory and time of one training iteration, each measurement in a fresh process."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from itertools import cycle, islice
from typing import Any

from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

import fbinpaint_mm  # noqa: F401  (registers every component)
from fbinpaint_mm.benchmark.speed.peak_memory import PeakMemory
from fbinpaint_mm.benchmark.speed.stopwatch import Stopwatch
from fbinpaint_mm.benchmark.speed.training_probe import TrainingProbe
from fbinpaint_mm.benchmark.speed.training_speed import load_training_batches

# Processes are forked from one that has imported everything and done nothing, so that each starts
# at once and with the same memory.
CONTEXT = multiprocessing.get_context('forkserver')
CONTEXT.set_forkserver_preload([__name__])


def measure_training_cost(
    cfg: Config, device: str, warm_up: int = 2, repeats: int = 5, limit: float = 60.0
) -> dict[str, Any]:
    """Measure a config in a process of its own.

    Args:
        cfg: The whole config; trained on its own data, at its own batch size.
        device: Such as ``'cpu'`` or ``'cuda'``.
        warm_up: Iterations that do not count for the time.
        repeats: Iterations that do.
        limit: Seconds after which no further iteration is started.

    Returns:
        ``peak_memory`` in bytes (on a GPU what torch allocates, on a CPU the growth of the peak
        resident set from before the model is built), ``seconds`` per iteration (median, without
        loading data), ``batch_size``, ``warm_up`` and ``repeats`` as made.

    Raises:
        RuntimeError: Whatever the training raises, or ``BrokenProcessPool`` if the process died.
    """
    with ProcessPoolExecutor(1, mp_context=CONTEXT) as pool:
        return pool.submit(_measure, cfg.to_dict(), device, warm_up, repeats, limit).result()


def _measure(cfg: dict, device: str, warm_up: int, repeats: int, limit: float) -> dict[str, Any]:
    init_default_scope('mmagic')
    cfg = Config(cfg)
    batches = load_training_batches(cfg)
    memory, endless = PeakMemory(device), cycle(batches)
    stopwatch = Stopwatch(device, warm_up=warm_up, repeats=repeats, limit=limit)
    model = MODELS.build(cfg.model).to(device)
    probe = TrainingProbe(model, cfg)

    def prepare() -> tuple[dict[str, list], ...]:
        return tuple(deepcopy(one) for one in islice(endless, probe.period))

    seconds = stopwatch.median(probe, prepare) / probe.period
    return dict(
        peak_memory=memory.bytes(),
        seconds=seconds,
        batch_size=len(batches[0]['inputs']),
        warm_up=stopwatch.warm_ups[0],
        repeats=stopwatch.timings[0],
    )
