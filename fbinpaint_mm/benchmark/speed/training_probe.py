"""Training iterations, as the Runner would make them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from mmagic.registry import HOOKS
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper

from fbinpaint_mm.benchmark.training.training_schedule import own_iterations

# Their work on the model is a part of every iteration.
MODEL_HOOKS = ('FeedbackHook', 'MeanTeacherHook')


class TrainingProbe:
    """Makes training iterations of a model, with the optimisers and hooks of its config.

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
            model=model, iter=0, message_hub=MessageHub.get_instance('training_probe')
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
        """Numbers that the optimisers change."""
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


def split_shares(begins: Sequence[int], end: int) -> list[tuple[int, float]]:
    """Phases that begin at increasing iterations, with their shares; empty ones are left out."""
    borders = [min(begin, end) for begin in begins] + [end]
    lengths = [after - before for before, after in pairwise(borders)]
    total = end - begins[0]
    return [
        (begin, length / total) for begin, length in zip(begins, lengths, strict=True) if length > 0
    ]
