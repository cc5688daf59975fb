"""Stops a training whose loss or gradient is no longer finite, before it spoils the parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmagic.registry import HOOKS
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from fbinpaint_mm.engine.hooks.utils import unwrapped_model
from fbinpaint_mm.engine.save_state import StateCopy, on_any_rank, save_state
from fbinpaint_mm.user_error import UserError

WINDOW = 100  # logged values of a term, without which it is not known to explode
# Optimizers whose update precedes the last loss of an iteration.
EARLY_NETWORKS = ('disc',)
NAME_KEYS = ('gt_path', 'img_path', 'sample_idx')


class DivergedTrainingError(RuntimeError):
    """A loss or a gradient is not finite, or has exploded.

    Args:
        iteration: The iteration that was given up, counted from 0 as mmengine does.
        terms: What is wrong with each bad term, by its name: ``'nan'``, ``'inf'``, ...
        samples: Names of the samples of the batch.
        checkpoint: Written with the state before the iteration; ``None`` if there is none.
        remark: A sentence on that state.
    """

    def __init__(
        self,
        iteration: int,
        terms: dict[str, str],
        samples: Sequence[str],
        checkpoint: Path | None,
        remark: str,
    ) -> None:
        self.iteration = iteration
        self.terms = dict(terms)
        self.samples = tuple(samples)
        self.checkpoint = checkpoint
        bad = '; '.join(f'{name} {problem}' for name, problem in terms.items())
        super().__init__(
            f'Training stopped at iteration {iteration} (counted from 0): {bad}. '
            f'Samples: {", ".join(samples)}. {remark}'
        )

    @property
    def term(self) -> str:
        """Name of the first bad term."""
        return next(iter(self.terms))


@HOOKS.register_module()
class DivergenceHook(Hook):
    """Checks every loss before its backward pass and every gradient before its update.

    At the first one that is not finite, or has exploded, training stops: what the iteration changed
    so far is undone, a checkpoint is written that ``--resume`` accepts, and
    :class:`DivergedTrainingError` names the iteration, the term and the samples. The checkpoint is
    the one that :class:`WholeCheckpointHook` would have written before the iteration; a resumed run
    repeats the iteration. ``max_keep_ckpts`` does not count it: it stays until somebody removes it.

    It works with any model that passes its losses through mmengine's ``BaseModel.parse_losses``,
    mmagic's inpaintors and mmseg's segmentors too. mmengine's ``CheckInvalidLossHook`` looks at the
    total only, and after the update. With several processes all of them stop when one has found
    something. With a ``GradScaler`` an infinite gradient is part of its work: it skips the update,
    and nothing is checked; an infinite loss is no more right there than elsewhere.

    A term has *exploded* when its magnitude exceeds ``explode_factor * max(1, m)``, m the median of
    the magnitudes of its last ``WINDOW`` logged values. A term with fewer values is not checked.
    The values are mmengine's, in the checkpoint: a resumed run decides as an uninterrupted one.

    A check costs one transfer of the losses and one norm of the gradients to the host, for each
    update, and with several processes one message between them for each sum of losses. mmengine's
    ``RuntimeInfoHook`` transfers each logged value in each iteration anyway, so the first is no
    further wait but an earlier one.

    Args:
        interval: Iterations between two checks. Above 1 a bad iteration may have passed unseen: if
            the parameters are spoiled, nothing is saved and the error says so.
        explode_factor: See above; ``None`` lets finite losses be.

    Raises:
        UserError: If ``interval`` is below 1, or ``explode_factor`` not above 1; at the start, if
            the model has no ``parse_losses``.
    """

    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 1, explode_factor: float | None = None) -> None:
        if interval < 1:
            raise UserError(f'interval of DivergenceHook must be at least 1, got {interval}')
        if explode_factor is not None and explode_factor <= 1:
            raise UserError(f'explode_factor must be above 1 or None, got {explode_factor}')
        self.interval = interval
        self.explode_factor = explode_factor
        self.model: Any = None  # while nothing is trained
        self.batch: Mapping | None = None
        self.handles: list[RemovableHandle] = []

    def before_train(self, runner: Runner) -> None:
        """Look at the losses and gradients of the model from now on."""
        model = unwrapped_model(runner.model)
        if not hasattr(model, 'parse_losses'):
            raise UserError(
                f'DivergenceHook needs a model with parse_losses, as mmengine.model.BaseModel has; '
                f'got {type(model).__name__}'
            )
        self.runner, self.model, self.batch = runner, model, None
        self.state = StateCopy(model, runner.optim_wrapper, EARLY_NETWORKS)
        self.parse_losses = model.parse_losses
        model.parse_losses = self._parse_and_check
        self.handles = [
            optimizer.register_step_pre_hook(partial(self._check_gradients, name))
            for name, optimizer in _optimizers(runner).items()
        ]

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Keep what the iteration may have to be undone with."""
        self.batch = data_batch
        if self._is_due():
            self.state.take()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Never let a checkpoint with parameters that are not finite replace a good one."""
        spoiled = _spoiled_parameter(unwrapped_model(runner.model))
        if spoiled is not None:
            self._unhook()
            raise DivergedTrainingError(
                runner.iter,
                {spoiled: 'is not finite'},
                _sample_names(self.batch),
                None,
                'No checkpoint is written with it: resume from an older one, and check every '
                'iteration (DivergenceHook: interval=1).',
            )

    def after_train(self, runner: Runner) -> None:
        """Leave the model as it was."""
        self._unhook()

    def _unhook(self) -> None:
        if self.model is not None:
            vars(self.model).pop('parse_losses', None)
        for handle in self.handles:
            handle.remove()
        self.handles = []

    def _is_due(self) -> bool:
        return self.runner.iter % self.interval == 0

    def _parse_and_check(
        self, losses: dict[str, Tensor | list[Tensor]]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """``BaseModel.parse_losses``, which every model calls before its backward pass."""
        total, log_vars = self.parse_losses(losses)
        if self._is_due():
            found = self._bad_losses(log_vars)
            if on_any_rank(bool(found)):
                self._stop(found)
        return total, log_vars

    def _bad_losses(self, log_vars: Mapping[str, Tensor]) -> dict[str, str]:
        """Problem by name of the terms of a sum of losses, its total last."""
        terms = {k: v for k, v in log_vars.items() if 'loss' in k and isinstance(v, Tensor)}
        if not terms:
            return {}
        values = torch.stack([value.detach().float().mean() for value in terms.values()]).tolist()
        problems = {name: self._problem(name, v) for name, v in zip(terms, values, strict=True)}
        total = problems.pop('loss', None)
        found = {name: problem for name, problem in problems.items() if problem}
        return found or ({'loss': total} if total else {})

    def _problem(self, name: str, value: float) -> str | None:
        if not math.isfinite(value):
            return f'is {value}'
        # The total is the sum of the terms, and not every model logs it under this name.
        if self.explode_factor is None or name == 'loss':
            return None
        buffer = self.runner.message_hub.log_scalars.get(f'train/{name}')
        history = () if buffer is None else buffer.data[0][-WINDOW:]
        if len(history) < WINDOW:
            return None
        median = float(np.median(np.abs(history)))
        if abs(value) <= self.explode_factor * max(1.0, median):
            return None
        return f'exploded to {value:.4g}, the median of its last {WINDOW} is {median:.4g}'

    @torch.no_grad()
    def _check_gradients(self, name: str, optimizer: Optimizer, *_: object) -> None:
        """Torch calls it before each update, a ``GradScaler`` only with finite gradients."""
        # A fused optimizer gets the scaler's verdict with its still scaled gradients.
        if not self._is_due() or getattr(optimizer, 'found_inf', None) is not None:
            return
        parameters = [p for group in optimizer.param_groups for p in group['params']]
        # Without a limit it multiplies by exactly 1: this is torch's fused norm.
        norm = float(nn.utils.clip_grad_norm_(parameters, math.inf))
        # Gradients are averaged over the ranks: all of them find the same.
        if not math.isfinite(norm):
            self._stop({f'gradient norm of {name}': f'is {norm}'})

    def _stop(self, found: dict[str, str]) -> None:
        terms, samples = _gather(found, _sample_names(self.batch))
        self._unhook()
        self.state.restore()
        checkpoint, remark = self._save()
        error = DivergedTrainingError(self.runner.iter, terms, samples, checkpoint, remark)
        self.runner.logger.error(str(error))
        raise error

    def _save(self) -> tuple[Path | None, str]:
        spoiled = _spoiled_parameter(self.model)
        if spoiled is not None:
            return None, (
                f'No checkpoint is saved, since {spoiled} is not finite either: an earlier '
                'iteration was bad. Resume from an older checkpoint with interval=1.'
            )
        try:
            path = save_state(self.runner)
        except OSError as error:
            return None, f'The state before it is not saved: {error}.'
        return path, (
            f'The state before it is saved in {path}. Look at the samples, lower the learning rate '
            'or clip gradients, then go on with --resume, which repeats this iteration.'
        )


def _optimizers(runner: Runner) -> dict[str, Optimizer]:
    wrapper = runner.optim_wrapper
    named = wrapper.items() if isinstance(wrapper, OptimWrapperDict) else [('the model', wrapper)]
    return {name: one.optimizer for name, one in named}


def _gather(found: dict[str, str], samples: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Terms and samples of the ranks that have found something."""
    ranks = [(terms, names) for terms, names in all_gather_object((found, samples)) if terms]
    terms = {name: problem for one, _ in ranks for name, problem in one.items()}
    return terms, [name for _, names in ranks for name in names]


def _sample_names(batch: Mapping | None) -> list[str]:
    """Where the samples of a batch come from, as far as they say so."""
    samples = batch.get('data_samples', ()) if isinstance(batch, Mapping) else ()
    metas = [getattr(sample, 'metainfo', {}) for sample in samples]
    names = [next((str(m[k]) for k in NAME_KEYS if k in m), None) for m in metas]
    return [name if name is not None else 'unnamed' for name in names] or ['unknown']


def _spoiled_parameter(model: nn.Module) -> str | None:
    """Name of the first parameter that is not finite."""
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            return name
    return None
