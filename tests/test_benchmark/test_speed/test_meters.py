"""Peak memory is measured in a process of its own, as in the benchmark.

A process that has run for long may serve a new array out of memory that it already holds.
"""

import subprocess
import sys
import time

import pytest
import torch
from mmagic.registry import MODELS
from torch import nn

from fbinpaint_mm.benchmark.speed import meters
from fbinpaint_mm.benchmark.speed.meters import Timing, count_flops, describe_timings, time_call

MEGABYTE = 2**20
# The module alone: the whole package would take seconds to import.
CODE = f"""
import runpy, torch
module = runpy.run_path({meters.__file__!r})
memory = module['PeakMemory']('cpu')
torch.ones(80 * {MEGABYTE}, dtype=torch.uint8)
print(memory.bytes())
memory.restart()
print(memory.bytes(), module['peak_resident_set']())
"""


@pytest.mark.skipif(not meters.CLEAR.exists(), reason='this system does not forget peaks')
def test_what_is_held_at_one_time_counts_even_after_it_is_freed_until_it_is_forgotten():
    shown = subprocess.check_output([sys.executable, '-c', CODE], text=True)
    peak, later, resident = map(int, shown.split())
    assert peak > 60 * MEGABYTE
    assert later < 40 * MEGABYTE
    assert resident > 40 * MEGABYTE, 'torch alone needs more'


@pytest.fixture
def image():
    return torch.rand(2, 3, 10, 12)


def test_a_convolution_forward_and_backward(image):
    convolution = nn.Conv2d(3, 8, 3, padding=1)
    forward = 2 * (3 * 3 * 3) * 8 * (2 * 10 * 12)
    with torch.no_grad():
        assert count_flops(convolution, image) == forward
    image.requires_grad_()
    assert count_flops(lambda: convolution(image).sum().backward()) == 3 * forward


def test_layers_inside_modules_count_once(image):
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.ReLU(), nn.Conv2d(4, 1, 1)))
    with torch.no_grad():
        assert count_flops(model, image) == 2 * (3 * 4 + 4 * 1) * (2 * 10 * 12)


def test_matrix_products():
    assert count_flops(torch.matmul, torch.rand(3, 5), torch.rand(5, 7)) == 2 * 3 * 5 * 7


def test_a_gradient_penalty_counts(image):
    convolution = nn.Conv2d(3, 8, 3, padding=1)
    forward = 2 * (3 * 3 * 3) * 8 * (2 * 10 * 12)
    penalty = MODELS.build(dict(type='GradientPenaltyLoss'))
    flops = count_flops(lambda: penalty(convolution, image, image.flip(0)).backward())
    assert flops >= 3 * forward, 'forward, the gradient, and the gradient of that'


def test_two_counts_do_not_add_up(image):
    convolution = nn.Conv2d(3, 8, 1)
    assert count_flops(convolution, image) == count_flops(convolution, image)


def test_the_median_of_repeats_after_a_warm_up():
    pauses = iter([0.2, *[0.02] * 1000])
    timing = time_call(lambda: time.sleep(next(pauses)), tuple, duration=0.3)
    assert 0.02 <= timing.seconds < 0.1
    assert timing.repeats >= 4
    assert timing.warm_up >= 1
    assert timing.cpu_seconds < 0.01, 'the processor was free for others'


def test_making_the_arguments_does_not_count():
    made = []

    def prepare():
        time.sleep(0.05)
        made.append(1)
        return (0.001,)

    assert time_call(time.sleep, prepare, duration=0.01).seconds < 0.04
    assert made


def test_a_slow_call_is_made_twice():
    calls = []
    timing = time_call(lambda: calls.append(time.sleep(0.06)), tuple, duration=0.01)
    assert (timing.warm_up, timing.repeats, len(calls)) == (1, 1, 2)


def test_all_threads_work():
    found = []
    time_call(lambda: found.append(torch.get_num_threads()), tuple, duration=0.001)
    assert set(found) == {torch.get_num_threads()}


def test_the_fewest_calls_count():
    timings = [Timing(1.0, 3, 9, 0.5), Timing(2.0, 11, 4, 0.5)]
    assert describe_timings(timings, dict(inputs=[0, 0]), 'training_') == dict(
        training_warm_up=3,
        training_repeats=4,
        training_batch_size=2,
        threads=torch.get_num_threads(),
    )
