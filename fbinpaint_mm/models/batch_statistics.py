"""Running statistics of batch norms: averaged over processes, or held in a second pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from mmengine.dist import all_reduce_params, get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def average_batch_statistics(modules: Iterable[nn.Module]) -> None:
    """Give every rank the mean over ranks of the running means and variances.

    Without it each rank would validate, and follow as a teacher, a slightly different network.
    Synchronized batch norms agree already; a single process has nothing to do.

    Args:
        modules: On every rank the same ones.
    """
    if get_world_size() > 1:
        statistics = [one for module in modules for one in _running_statistics(module)]
        all_reduce_params(statistics, op='mean')


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


def _running_statistics(module: nn.Module) -> list[Tensor]:
    norms = [one for one in module.modules() if isinstance(one, _BatchNorm)]
    norms = [one for one in norms if not isinstance(one, nn.SyncBatchNorm)]
    both = [value for one in norms for value in (one.running_mean, one.running_var)]
    return [value for value in both if value is not None]
