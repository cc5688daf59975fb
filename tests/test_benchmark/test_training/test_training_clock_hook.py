import json
from types import SimpleNamespace

import pytest

from fbinpaint_mm.benchmark.training import training_clock_hook
from fbinpaint_mm.benchmark.training.training_clock_hook import TrainingClockHook


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(training_clock_hook, 'perf_counter', lambda: now.seconds)
    return now


@pytest.fixture
def runner(tmp_path):
    return SimpleNamespace(
        iter=0, max_iters=3, work_dir=str(tmp_path), model=SimpleNamespace(cur_iter=0)
    )


def progress(runner):
    with open(f'{runner.work_dir}/progress.json') as file:
        return json.load(file)


def test_progress_is_written_now_and_then_and_at_the_end(clock, runner):
    hook = TrainingClockHook(interval=5)
    clock.seconds += 50  # building the model does not count
    hook.before_train(runner)
    assert progress(runner) == dict(iteration=0, seconds=0.0)
    written = []
    for runner.iter, seconds in enumerate([2, 4, 1]):
        clock.seconds += seconds
        hook.after_train_iter(runner, runner.iter)
        written.append(progress(runner))
    assert written == [
        dict(iteration=0, seconds=0.0),
        dict(iteration=2, seconds=6.0),
        dict(iteration=3, seconds=7.0),
    ]


def test_a_resumed_training_goes_on_counting(clock, runner):
    first, checkpoint = TrainingClockHook(), {}
    first.before_train(runner)
    clock.seconds += 8
    first.before_save_checkpoint(runner, checkpoint)
    clock.seconds += 30  # lost: done after the checkpoint, and done again

    second = TrainingClockHook()
    second.after_load_checkpoint(runner, checkpoint)
    runner.iter = 2
    second.before_train(runner)
    clock.seconds += 3
    second.after_train_iter(runner, 2)
    assert progress(runner) == dict(iteration=3, seconds=11.0)
    assert runner.model.cur_iter == 2, 'phases of mmagic go on'


def test_weights_of_another_training_bring_no_seconds(runner, clock):
    hook = TrainingClockHook()
    hook.after_load_checkpoint(runner, dict(training_seconds=500.0))
    hook.before_train(runner)
    assert progress(runner) == dict(iteration=0, seconds=0.0)
    assert runner.model.cur_iter == 0
