"""Batch statistics that every process of a distributed training has measured for itself."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from mmengine.dist import all_reduce_params, get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def average_batch_statistics(modules: Iterable[nn.Module]) -> None:
    """Give every rank the mean over ranks of the running means and variances.

    Without it each rank would validate, and follow as a teacher, a slightly different network.
    Synchronised batch norms agree already; a single process has nothing to do.

    Args:
        modules: On every rank the same ones.
    """
    if get_world_size() > 1:
        statistics = [one for module in modules for one in _running_statistics(module)]
        all_reduce_params(statistics, op='mean')


def _running_statistics(module: nn.Module) -> list[Tensor]:
    norms = [one for one in module.modules() if isinstance(one, _BatchNorm)]
    norms = [one for one in norms if not isinstance(one, nn.SyncBatchNorm)]
    both = [value for one in norms for value in (one.running_mean, one.running_var)]
    return [value for value in both if value is not None]
