"""Mixed precision where mmengine has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmagic.registry import OPTIM_WRAPPERS
from mmengine.optim import OptimWrapper
from mmengine.runner import autocast
from torch import nn


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """``OptimWrapper`` under autocast to bfloat16, on CPUs too.

    mmengine's ``AmpOptimWrapper`` wants a GPU, because it scales the loss: gradients underflow in
    float16. bfloat16 has the range of float32, so nothing is scaled here.

    Args:
        **kwargs: As for mmengine's ``OptimWrapper``.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Within this context layers compute in bfloat16; gradients are accumulated as ever."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
