"""What a training step changes before all of its losses are known."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn


class StateCopy:
    """Copies a model's buffers and some of its parameters, and puts them back.

    Buffers (statistics of normalisation layers, vectors of spectral norms) change in the forward
    pass; the parameters of a network that is updated first, such as a discriminator, change before
    the losses of the next network are computed. Everything else changes in the last update only.

    Args:
        model: Its buffers are copied.
        optim_wrapper: The Runner's.
        networks: Keys of ``optim_wrapper`` whose parameters and optimiser state are copied too;
            keys that it does not have, and a single wrapper, are passed over.
    """

    def __init__(
        self,
        model: nn.Module,
        optim_wrapper: OptimWrapper | OptimWrapperDict,
        networks: Iterable[str],
    ) -> None:
        several = isinstance(optim_wrapper, OptimWrapperDict)
        self.wrappers = [optim_wrapper[n] for n in networks if several and n in optim_wrapper]
        self.model = model
        self.tensors: list[Tensor] = []
        self.optimizers: list[dict] = []

    def take(self) -> None:
        """Copies the state of now."""
        self.tensors = [tensor.detach().clone() for tensor in self._live_tensors()]
        self.optimizers = [copy.deepcopy(wrapper.state_dict()) for wrapper in self.wrappers]

    @torch.no_grad()
    def restore(self) -> None:
        """Puts the last copy back."""
        for tensor, saved in zip(self._live_tensors(), self.tensors, strict=True):
            tensor.copy_(saved)
        for wrapper, saved in zip(self.wrappers, self.optimizers, strict=True):
            wrapper.load_state_dict(copy.deepcopy(saved))

    def _live_tensors(self) -> list[Tensor]:
        groups = [group for w in self.wrappers for group in w.optimizer.param_groups]
        return [*self.model.buffers(), *(p for group in groups for p in group['params'])]
