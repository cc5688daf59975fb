"""What it costs to train a model for one iteration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from itertools import cycle, islice, pairwise
from types import SimpleNamespace
from typing import Any

from mmagic.registry import HOOKS, MODELS
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

from fbinpaint_mm.benchmark.fresh_process import restore_config
from fbinpaint_mm.benchmark.speed.meters import (
    PeakMemory,
    count_flops,
    describe_timings,
    time_call,
)
from fbinpaint_mm.training_length import own_iterations

# Their work on the model is a part of every iteration.
MODEL_HOOKS = ('FeedbackHook', 'MeanTeacherHook', 'EMAHook')
BATCHES = 2


def training_speed(settings: dict[str, Any], device: str, duration: float) -> dict[str, Any]:
    """What ``measure_training`` gives, of one model in this process.

    Args:
        settings: The whole config.
        device: Such as ``'cpu'`` or ``'cuda'``.
        duration: Seconds to repeat the iterations of each phase for.
    """
    cfg = restore_config(settings)
    batches = load_training_batches(cfg)
    memory = PeakMemory(device)
    return measure_training(MODELS.build(cfg.model).to(device), cfg, batches, memory, duration)


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
    memory: PeakMemory,
    duration: float,
) -> dict[str, Any]:
    """Time, arithmetic and memory of one iteration, without loading its data.

    Where the cost alternates (see ``TrainingProbe.period``), the mean over a whole period; where a
    training has phases (see ``TrainingProbe.phases``), the mean over the whole of it.

    Args:
        model: On its device. It is trained for some iterations.
        cfg: The whole config.
        batches: From ``load_training_batches``.
        memory: Made before the model.
        duration: Seconds to repeat the iterations of each phase for.

    Returns:
        ``parameters_trained``, ``training_seconds_per_iteration``,
        ``training_cpu_seconds_per_iteration``, ``training_flops_per_iteration``,
        ``training_peak_memory`` and ``conditions``.
    """
    memory.restart()
    probe, endless = TrainingProbe(model, cfg), cycle(batches)

    def prepare() -> tuple[dict[str, list], ...]:
        return tuple(deepcopy(one) for one in islice(endless, probe.period))

    phases, timings, flops = probe.phases(), [], 0.0
    for begin, _ in phases:
        probe.enter(begin)
        timings.append(time_call(probe, prepare, duration))
    peak_memory = memory.bytes()
    for begin, share in phases:
        probe.enter(begin)
        flops += share * count_flops(probe, *prepare())
    shares = [share for _, share in phases]
    seconds, cpu_seconds = (
        sum(share * getattr(one, key) for share, one in zip(shares, timings, strict=True))
        for key in ('seconds', 'cpu_seconds')
    )
    return dict(
        parameters_trained=probe.count_parameters(),
        training_seconds_per_iteration=seconds / probe.period,
        training_cpu_seconds_per_iteration=cpu_seconds / probe.period,
        training_flops_per_iteration=flops / probe.period,
        training_peak_memory=peak_memory,
        conditions=describe_timings(timings, batches[0], 'training_'),
    )


class TrainingProbe:
    """Makes training iterations of a model as the Runner would, with its optimizers and hooks.

    Args:
        model: On its device; put into training mode.
        cfg: The whole config, of which ``optim_wrapper``, ``custom_hooks`` and ``train_cfg`` are
            used.

    Attributes:
        optim_wrapper: Built as the Runner builds it.
        period: Iterations after which their cost repeats: of mmagic's inpaintors with
            ``disc_step`` above 1, only every ``disc_step``-th trains the generator; our
            ``FeedbackHook`` may cycle the number of rounds.
    """

    def __init__(self, model: BaseModel, cfg: Config) -> None:
        self.model = model.train()
        self.iterations = own_iterations(cfg)
        self.settings = getattr(model, 'train_cfg', None) or {}
        self._begin: int | None = None
        self.optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
        self.optim_wrapper.initialize_count_status(model, 0, self.iterations)
        hooks = [hook for hook in cfg.get('custom_hooks') or [] if hook['type'] in MODEL_HOOKS]
        self.hooks = [HOOKS.build(hook) for hook in hooks]
        # As much of a Runner as these hooks look at.
        self.runner = SimpleNamespace(
            model=model,
            iter=0,
            max_iters=self.iterations,
            message_hub=MessageHub.get_instance('training_probe'),
        )
        for event in ('before_run', 'before_train'):
            for hook in self.hooks:
                getattr(hook, event)(self.runner)
        periods = [getattr(hook, 'period', 1) for hook in self.hooks]
        self.period = math.lcm(max(1, self.settings.get('disc_step', 1)), *periods)

    def __call__(self, *batches: dict[str, list]) -> None:
        """One iteration with each batch.

        Args:
            *batches: As the data loader collates them; may be written into.
        """
        for batch in batches:
            self._iterate(batch)

    def _iterate(self, batch: dict[str, list]) -> None:
        if self._begin is not None:
            self.model.cur_iter = self._begin
        for hook in self.hooks:
            hook.before_train_iter(self.runner, 0, batch)
        outputs = self.model.train_step(data=batch, optim_wrapper=self.optim_wrapper)
        for hook in self.hooks:
            hook.after_train_iter(self.runner, 0, batch, outputs)
        self.runner.iter += 1

    def enter(self, iteration: int | None) -> None:
        """Make the model believe in every iteration from now on that it is at this one.

        So a phase is not left, however short it is.

        Args:
            iteration: Number of the iteration; ``None`` lets the model count by itself.
        """
        self._begin = iteration

    def phases(self) -> list[tuple[int | None, float]]:
        """First iteration of each phase of the training, and its share of all iterations.

        mmagic's ``GLInpaintor`` trains the generator alone up to ``iter_tc``, the discriminators
        alone up to ``iter_td``, then both. Other models have one phase: ``(None, 1.0)``.
        """
        settings = self.settings
        if not {'start_iter', 'iter_tc', 'iter_td'} <= settings.keys():
            return [(None, 1.0)]
        begins = [settings['start_iter'], settings['iter_tc'] + 1, settings['iter_td'] + 1]
        return split_shares(begins, settings['start_iter'] + self.iterations)

    def count_parameters(self) -> int:
        """Numbers that the optimizers change."""
        optimizers: Sequence[Any] = [self.optim_wrapper]
        if hasattr(self.optim_wrapper, 'optim_wrappers'):
            optimizers = list(self.optim_wrapper.optim_wrappers.values())
        parameters = {
            id(parameter): parameter.numel()
            for wrapper in optimizers
            for group in wrapper.optimizer.param_groups
            for parameter in group['params']
            if parameter.requires_grad
        }
        return sum(parameters.values())


def split_shares(begins: Sequence[int], end: int) -> list[tuple[int | None, float]]:
    """Phases that begin at increasing iterations, with their shares; empty ones are left out."""
    borders = [min(begin, end) for begin in begins] + [end]
    lengths = [after - before for before, after in pairwise(borders)]
    total = end - begins[0]
    return [
        (begin, length / total) for begin, length in zip(begins, lengths, strict=True) if length > 0
    ]
