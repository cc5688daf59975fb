from types import SimpleNamespace

import pytest

from fbinpaint_mm.benchmark.speed import stopwatch
from fbinpaint_mm.benchmark.speed.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(stopwatch, 'perf_counter', lambda: now.seconds)
    return now


@pytest.fixture
def take(clock):
    """A call that takes the next of the given durations."""

    def prepare_durations(*durations):
        left = list(durations)

        def call(duration=None):
            clock.seconds += left.pop(0) if duration is None else duration

        call.left = left
        return call

    return prepare_durations


def test_the_first_calls_do_not_count(take):
    call = take(90, 50, 3, 1, 2, 8, 4, 7)
    assert Stopwatch(warm_up=2, repeats=5, limit=1e9).median(call) == 3
    assert call.left == [7]


def test_making_the_arguments_does_not_count(clock, take):
    def prepare():
        clock.seconds += 100
        return (2.0,)

    assert Stopwatch(warm_up=0, repeats=3, limit=1e9).median(take(), prepare) == 2.0


def test_a_slow_call_is_made_twice(take):
    call = take(70, 60, 1)
    assert Stopwatch(limit=60).median(call) == 60
    assert call.left == [1]


def test_repeating_ends_at_the_limit(take):
    call = take(10, 10, 10, 10, 12, 14, 1, 1)
    assert Stopwatch(warm_up=3, repeats=7, limit=60).median(call) == 12
    assert call.left == [1, 1]


def test_how_often_a_call_was_made_is_known(take):
    watch = Stopwatch(warm_up=3, repeats=7, limit=60)
    watch.median(take(*[1] * 10))
    watch.median(take(20, 20, 20, 1))
    watch.median(take(70, 60))
    assert watch.warm_ups == [3, 2, 1]
    assert watch.timings == [7, 1, 1]
