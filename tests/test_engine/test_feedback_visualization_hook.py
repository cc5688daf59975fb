from __future__ import annotations

from types import SimpleNamespace

import pytest
from mmagic.registry import HOOKS

from fbinpaint_mm.engine.hooks.feedback_visualization_hook import FeedbackVisualizationHook


class Recorder:
    """A runner and its visualiser that note what is drawn."""

    def __init__(self):
        self.iter = 500
        self.drawn = []
        self.visualizer = SimpleNamespace(add_datasample=self.add_datasample)

    def add_datasample(self, data_sample, step):
        self.drawn.append((data_sample, step))


def validate(hook, runner, batches):
    hook.before_val_epoch(runner)
    for index, batch in enumerate(batches):
        hook.after_val_iter(runner, index, None, batch)


def test_draws_the_first_samples_of_every_validation():
    hook, runner = FeedbackVisualizationHook(max_samples=3), Recorder()
    validate(hook, runner, [['a', 'b'], ['c', 'd'], ['e']])
    assert runner.drawn == [('a', 500), ('b', 500), ('c', 500)]
    runner.iter = 1000
    validate(hook, runner, [['a', 'b'], ['c', 'd']])
    assert runner.drawn[3:] == [('a', 1000), ('b', 1000), ('c', 1000)]


def test_interval_skips_batches_and_switches_skip_loops():
    hook, runner = FeedbackVisualizationHook(interval=2, on_test=False), Recorder()
    validate(hook, runner, [['a'], ['b'], ['c'], ['d']])
    assert [name for name, _ in runner.drawn] == ['b', 'd']
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 1, None, ['x'])
    hook.after_train_iter(runner, 1, None, {'loss': 1})
    assert len(runner.drawn) == 2


def test_is_found_by_its_name_and_checks_its_number():
    assert HOOKS.build({'type': 'FeedbackVisualizationHook', 'max_samples': 3}).max_samples == 3
    with pytest.raises(ValueError, match='max_samples must not be negative, got -1'):
        FeedbackVisualizationHook(max_samples=-1)
