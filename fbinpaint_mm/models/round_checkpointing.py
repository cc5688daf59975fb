"""Activation checkpointing of rounds: memory grows little with their number."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop

from fbinpaint_mm.models.batch_statistics import batch_statistics_held
from fbinpaint_mm.user_error import UserError


class RoundCheckpointing:
    """Runs parts of a forward pass with activation checkpointing.

    Of each part only the inputs and the results stay in memory until its turn in the backward
    pass. Gradients are those of a plain run: random numbers (dropout, label mixing) and autocast
    are as they were, torch hooks act again, and batch statistics are not moved a second time.

    Args:
        module: What the parts belong to; its batch norms are held still in the second pass.

    Raises:
        UserError: If a layer of ``module`` has spectral norm, whose every forward pass moves the
            estimate that it divides by: the second pass would find other weights.
    """

    def __init__(self, module: nn.Module) -> None:
        name = _name_of_spectral_norm(module)
        if name is not None:
            raise UserError(
                f'train_cfg.checkpoint_rounds=True: {name} has spectral norm, which changes in '
                'every forward pass, so activation checkpointing excludes it; build it without, '
                'or set checkpoint_rounds=False'
            )
        self._module = module

    def __call__(self, part: Callable[..., Any], *arguments: Any) -> Any:
        """Run a part; where gradients are off, as a plain call.

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
    """Run a part as :class:`RoundCheckpointing` does, but keep all activations."""
    return part(*arguments)


def _name_of_spectral_norm(module: nn.Module) -> str | None:
    for name, child in module.named_modules():
        hooks = child._forward_pre_hooks.values()
        if isinstance(child, _SpectralNorm) or any(isinstance(h, SpectralNorm) for h in hooks):
            return name
    return None
