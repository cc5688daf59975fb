"""What one process of a distributed training has seen, all of them must know."""

from __future__ import annotations

import torch
from mmengine.dist import all_reduce, get_comm_device, get_world_size


def on_any_rank(seen: bool) -> bool:
    """Whether any rank says yes; every rank must ask in the same iterations.

    Args:
        seen: The answer of this rank; that of all in a single process.
    """
    if get_world_size() == 1:
        return seen
    flag = torch.tensor(int(seen), device=get_comm_device())
    all_reduce(flag, op='max')
    return bool(flag)
