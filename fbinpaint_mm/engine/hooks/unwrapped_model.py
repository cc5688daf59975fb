"""The model behind a distributed wrapper."""

from __future__ import annotations

from mmengine.model import is_model_wrapper
from torch import nn


def unwrapped_model(model: nn.Module) -> nn.Module:
    """The model itself, whether or not a distributed wrapper is around it."""
    return model.module if is_model_wrapper(model) else model
