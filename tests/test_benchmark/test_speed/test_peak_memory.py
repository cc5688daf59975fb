"""Each measurement has a process of its own, as in the benchmark.

A process that has run for long may serve a new array out of memory that it already holds.
"""

import subprocess
import sys

import pytest

from fbinpaint_mm.benchmark.speed import peak_memory

MEGABYTE = 2**20
# The module alone: the whole package would take seconds to import.
PRELUDE = f"""
import runpy, torch
module = runpy.run_path({peak_memory.__file__!r})
memory = module['PeakMemory']('cpu')
torch.ones(80 * {MEGABYTE}, dtype=torch.uint8)
"""


def measure(code):
    """Numbers that code prints in a new process, after 80 MB were held and freed."""
    command = [sys.executable, '-c', PRELUDE + code]
    return [int(text) for text in subprocess.check_output(command, text=True).split()]


def test_what_is_held_at_one_time_counts_even_after_it_is_freed():
    (peak,) = measure('print(memory.bytes())')
    assert peak > 60 * MEGABYTE


@pytest.mark.skipif(not peak_memory.CLEAR.exists(), reason='this system does not forget peaks')
def test_an_earlier_peak_is_forgotten():
    peak, resident = measure(
        "memory.restart(); print(memory.bytes(), module['peak_resident_set']())"
    )
    assert peak < 40 * MEGABYTE
    assert resident > 40 * MEGABYTE, 'torch alone needs more'
