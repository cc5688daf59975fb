import pytest
import torch

from fbinpaint_mm.benchmark.speed.peak_memory import CLEAR, PeakMemory, peak_resident_set

MEGABYTE = 2**20


def peak_of_80_megabytes():
    memory = PeakMemory('cpu')
    torch.ones(80 * MEGABYTE, dtype=torch.uint8)
    return memory.bytes()


def test_what_is_held_at_one_time_counts_even_after_it_is_freed():
    # A system that is short of memory may take pages of libraries away meanwhile: it need not do so
    # three times in a row.
    assert any(peak_of_80_megabytes() > 60 * MEGABYTE for _ in range(3))


@pytest.mark.skipif(not CLEAR.exists(), reason='this system does not forget peaks')
def test_an_earlier_peak_is_forgotten():
    memory = PeakMemory('cpu')
    torch.ones(80 * MEGABYTE, dtype=torch.uint8)
    memory.restart()
    assert memory.bytes() < 40 * MEGABYTE
    assert peak_resident_set() > 40 * MEGABYTE, 'torch alone needs more'
