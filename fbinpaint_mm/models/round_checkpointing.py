"""Rounds whose activations are computed again in the backward pass instead of being kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop


class RoundCheckpointing:
    """Runs parts of a forward pass so that the backward pass computes them again.

    Of each part only the inputs and the results stay in memory until its turn in the backward
    pass. Gradients are those of a plain run: random numbers (dropout, label mixing) and autocast
    are as they were, torch hooks act again, and batch statistics are not moved a second time.

    Args:
        module: What the parts belong to; its batch norms are held still in the second pass.

    Raises:
        ValueError: If a layer of ``module`` has spectral norm, whose every forward pass moves the
            estimate that it divides by: the second pass would find other weights.
    """

    def __init__(self, module: nn.Module) -> None:
        name = _name_of_spectral_norm(module)
        if name is not None:
            raise ValueError(
                f'train_cfg.checkpoint_rounds=True: {name} has spectral norm, which changes in '
                'every forward pass and cannot be computed again; build it without, or set '
                'checkpoint_rounds=False'
            )
        self._module = module

    def __call__(self, part: Callable[..., Any], *arguments: Any) -> Any:
        """The part's result; without a graph wanted, nothing is special.

        Args:
            part: Must do the same each time that it is called.
            *arguments: Its arguments. What may have changed by the backward pass belongs here.
        """
        if not torch.is_grad_enabled():
            return part(*arguments)
        # A second pass that stops early leaves features in the DecodeHeadLink, with their graph.
        with set_checkpoint_early_stop(False):
            return checkpoint(part, *arguments, use_reentrant=False, context_fn=self._contexts)

    def _contexts(self) -> tuple[AbstractContextManager, AbstractContextManager]:
        return nullcontext(), batch_statistics_held(self._module)


def run_plainly(part: Callable[..., Any], *arguments: Any) -> Any:
    """The part's result; all activations are kept."""
    return part(*arguments)


@contextmanager
def batch_statistics_held(module: nn.Module) -> Iterator[None]:
    """Within this context batch norms use the statistics of their batch without recording them.

    They go on tracking, with a momentum of 0: without, autograd would save other tensors.

    Args:
        module: Its batch norms in training mode are meant, those of any number of dimensions.
    """
    norms = [one for one in module.modules() if isinstance(one, _BatchNorm) and one.training]
    held = [(norm, norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm, _, count in held:
        norm.momentum = 0.0
        norm.num_batches_tracked = None if count is None else count.clone()
    try:
        yield
    finally:
        for norm, momentum, count in held:
            norm.momentum, norm.num_batches_tracked = momentum, count


def _name_of_spectral_norm(module: nn.Module) -> str | None:
    for name, child in module.named_modules():
        hooks = child._forward_pre_hooks.values()
        if isinstance(child, _SpectralNorm) or any(isinstance(h, SpectralNorm) for h in hooks):
            return name
    return None
