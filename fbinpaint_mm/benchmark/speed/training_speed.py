"""What it costs to train a model for one iteration."""

from __future__ import annotations

from copy import deepcopy
from itertools import cycle, islice

from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.runner import Runner

from fbinpaint_mm.benchmark.speed.flop_counter import count_flops
from fbinpaint_mm.benchmark.speed.peak_memory import PeakMemory
from fbinpaint_mm.benchmark.speed.stopwatch import Stopwatch
from fbinpaint_mm.benchmark.speed.training_probe import TrainingProbe

BATCHES = 2


def can_train(cfg: Config) -> bool:
    """Whether a config has all that training needs."""
    return all(cfg.get(key) for key in ('train_dataloader', 'optim_wrapper', 'train_cfg'))


def load_training_batches(cfg: Config) -> list[dict[str, list]]:
    """The first batches of a training, at its own batch size."""
    settings = deepcopy(cfg.train_dataloader)
    # In this process: workers would compete with the model for the processor.
    settings.update(num_workers=0, persistent_workers=False)
    settings.pop('prefetch_factor', None)
    return list(islice(Runner.build_dataloader(settings, seed=0), BATCHES))


def measure_training(
    model: BaseModel,
    cfg: Config,
    batches: list[dict[str, list]],
    stopwatch: Stopwatch,
    memory: PeakMemory,
) -> dict[str, float]:
    """Time, arithmetic and memory of one iteration, without loading its data.

    Where the cost alternates (see ``TrainingProbe.period``), the mean over a whole period; where a
    training has phases (see ``TrainingProbe.phases``), the mean over the whole of it.

    Args:
        model: On its device. It is trained for some iterations.
        cfg: The whole config.
        batches: From ``load_training_batches``.
        stopwatch: Its ``limit`` is that of each phase.
        memory: Made before the model.

    Returns:
        ``parameters_trained``, ``training_seconds_per_iteration``,
        ``training_flops_per_iteration`` and ``training_peak_memory``.
    """
    memory.restart()
    probe, endless = TrainingProbe(model, cfg), cycle(batches)
    phases, seconds, flops = probe.phases(), 0.0, 0.0

    def prepare() -> tuple[dict[str, list], ...]:
        return tuple(deepcopy(one) for one in islice(endless, probe.period))

    for begin, share in phases:
        probe.enter(begin)
        seconds += share * stopwatch.median(probe, prepare) / probe.period
    peak_memory = memory.bytes()
    for begin, share in phases:
        probe.enter(begin)
        flops += share * count_flops(probe, *prepare()) / probe.period
    return dict(
        parameters_trained=probe.count_parameters(),
        training_seconds_per_iteration=seconds,
        training_flops_per_iteration=flops,
        training_peak_memory=peak_memory,
    )
