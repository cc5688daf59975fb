"""What a call costs: seconds, memory, floating-point operations."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

STATUS = Path('/proc/self/status')
CLEAR = Path('/proc/self/clear_refs')
RESET_PEAK = '5'  # see "man 5 proc"
TOTAL = 'Global'  # torch's name for all modules together


class Timing(NamedTuple):
    """How long a call takes.

    Attributes:
        seconds: Median over the repeats.
        warm_up: Number of calls before, which do not count.
        repeats: Number of calls that count.
        cpu_seconds: CPU time of all threads of this process, least of the repeats: other processes
            do not count, and where they slow this one down, by its caches, they only add to it.
    """

    seconds: float
    warm_up: int
    repeats: int
    cpu_seconds: float


def time_call(call: Callable[..., Any], prepare: Callable[[], tuple], duration: float) -> Timing:
    """Time a call by ``torch.utils.benchmark``, which also waits for the GPU.

    Short calls are timed in blocks.

    Args:
        call: What is timed, with all of torch's threads.
        prepare: Makes the arguments of each block of calls; not timed.
        duration: Seconds to repeat it for, after a call that does not count and always is made; so
            is one that counts.

    Returns:
        Its median, and how it was taken.
    """
    # Looks for a compiler, and complains where CUDA is installed without a GPU.
    from torch.utils.benchmark import Timer

    spent: list[float] = []

    def counted(*arguments: Any) -> None:
        begin = process_time()
        call(*arguments)
        spent.append(process_time() - begin)

    timer = Timer(
        'call(*arguments)',
        setup='arguments = prepare()',
        globals=dict(call=counted, prepare=prepare),
        num_threads=torch.get_num_threads(),
    )
    measured = timer.blocked_autorange(min_run_time=duration)
    repeats = measured.number_per_run * len(measured.raw_times)
    return Timing(measured.median, len(spent) - repeats, repeats, min(spent[-repeats:]))


def describe_timings(
    timings: Sequence[Timing], batch: dict[str, list], prefix: str = ''
) -> dict[str, int]:
    """Under which conditions medians were taken, as ``EntryResult.speed`` has them.

    Args:
        timings: Of several, those with the fewest calls count.
        batch: One of those that were timed.
        prefix: Of the keys, except ``threads``.
    """
    return {
        f'{prefix}warm_up': min(timing.warm_up for timing in timings),
        f'{prefix}repeats': min(timing.repeats for timing in timings),
        f'{prefix}batch_size': len(batch['inputs']),
        'threads': torch.get_num_threads(),
    }


class PeakMemory:
    """Peak memory above that of the moment at which this is made.

    On a GPU it is what torch has allocated. On a CPU it is the resident set of the whole process:
    measure one model per process, and make this before the model.

    Args:
        device: Such as ``'cpu'`` or ``'cuda'``.
    """

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self.restart()
        self._base = self._read()

    def restart(self) -> None:
        """Forget earlier peaks. Where the system cannot, they count on."""
        if self.device.type == 'cuda':
            torch.cuda.reset_peak_memory_stats(self.device)
            return
        with suppress(OSError):
            CLEAR.write_text(RESET_PEAK)

    def bytes(self) -> int:
        """Peak since the last ``restart``, in bytes, above that of the beginning."""
        return max(0, self._read() - self._base)

    def _read(self) -> int:
        if self.device.type == 'cuda':
            return torch.cuda.max_memory_allocated(self.device)
        return peak_resident_set()


def peak_resident_set() -> int:
    """Largest resident set of this process in bytes: since the last reset, where there is one."""
    if STATUS.is_file():
        for line in STATUS.read_text().splitlines():
            if line.startswith('VmHWM:'):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024


class FlopCounter(FlopCounterMode):
    """torch's counter, without saying which module an operation belongs to.

    To find that out, torch hangs hooks on the graph, which fail where a loss calls
    ``torch.autograd.grad``, as gradient penalties do.
    """

    def __init__(self) -> None:
        super().__init__(display=False)
        tracker: Any = nullcontext()
        tracker.parents = {TOTAL}
        self.mod_tracker = tracker


def count_flops(call: Callable[..., Any], *arguments: Any) -> int:
    """Floating-point operations of a call and of any backward pass in it.

    Those of convolutions, matrix products and attention, a multiplication and an addition counted
    apart; normalization, activations, resizing, optimizers and all that is not torch count nothing.

    Args:
        call: Called once.
        *arguments: Its arguments.

    Returns:
        Their number.
    """
    with FlopCounter() as counter:
        call(*arguments)
    return counter.get_total_flops()
