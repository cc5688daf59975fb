"""The most memory that a process has used at one time."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path

import torch

STATUS = Path('/proc/self/status')
CLEAR = Path('/proc/self/clear_refs')
RESET_PEAK = '5'  # see "man 5 proc"


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
