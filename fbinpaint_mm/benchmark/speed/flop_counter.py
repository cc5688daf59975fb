"""Counts floating-point operations of anything, gradient penalties included."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from torch.utils.flop_counter import FlopCounterMode

TOTAL = 'Global'  # torch's name for all modules together


class FlopCounter(FlopCounterMode):
    """torch's counter, without saying which module an operation belongs to.

    To find that out, torch hangs hooks on the graph, which fail where a loss calls
    ``torch.autograd.grad``, as gradient penalties do.
    """

    def __init__(self) -> None:
        super().__init__(display=False)
        self.mod_tracker = nullcontext()
        self.mod_tracker.parents = {TOTAL}


def count_flops(call: Callable[..., Any], *arguments: Any) -> int:
    """Floating-point operations of a call and of any backward pass in it.

    Those of convolutions, matrix products and attention, a multiplication and an addition counted
    apart; normalisation, activations, resizing, optimisers and all that is not torch count nothing.

    Args:
        call: Called once.
        *arguments: Its arguments.

    Returns:
        Their number.
    """
    with FlopCounter() as counter:
        call(*arguments)
    return counter.get_total_flops()
