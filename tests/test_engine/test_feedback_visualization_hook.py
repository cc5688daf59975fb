from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import torch
from mmagic.registry import HOOKS
from mmengine.visualization import Visualizer
from torch import nn

from fbinpaint_mm.engine.hooks.feedback_visualization_hook import FeedbackVisualizationHook
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization import FeedbackVisualizer


class Recorder:
    """A runner and its visualizer that note what is drawn."""

    def __init__(self):
        self.iter = 500
        self.max_iters = 1000
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


def test_draws_the_first_samples_of_every_test():
    hook, runner = FeedbackVisualizationHook(max_samples=3), Recorder()
    for _ in range(2):
        hook.before_test_epoch(runner)
        for index, batch in enumerate([['a', 'b'], ['c', 'd']]):
            hook.after_test_iter(runner, index, None, batch)
    assert [name for name, _ in runner.drawn] == [*'abc', *'abc']


def test_a_visualizer_of_another_kind_is_refused_at_once():
    run = SimpleNamespace(visualizer=Visualizer())
    with pytest.raises(UserError, match='visualizer is a Visualizer, expected one that draws a'):
        FeedbackVisualizationHook().before_run(run)
    FeedbackVisualizationHook(max_samples=0).before_run(run)
    FeedbackVisualizationHook().before_run(Recorder())


class Model(nn.Module):
    """Keeps samples when it is asked to, as our inpaintor does."""

    def __init__(self):
        super().__init__()
        self.kept = []
        self.samples = None

    def keep_next_samples(self):
        self.kept.append('asked')

    def take_training_samples(self):
        samples, self.samples = self.samples, None
        return samples


class Drawer(FeedbackVisualizer):
    """Notes what it is asked to draw."""

    def add_datasample(self, data_sample, step, name):
        self.drawn.append((data_sample.name, step, name))


@pytest.fixture
def training(caplog):
    caplog.set_level(logging.INFO, logger='pictures')
    visualizer = Drawer()
    visualizer.drawn = []
    logger = logging.getLogger('pictures')
    loop = SimpleNamespace(val_interval=3)
    return SimpleNamespace(
        model=Model(),
        visualizer=visualizer,
        iter=0,
        max_iters=8,
        logger=logger,
        train_loop=loop,
    )


def train(hook, runner, iterations, labeled=(True, True, False)):
    hook.before_train(runner)
    for index in range(iterations):
        hook.before_train_iter(runner, index)
        if len(runner.model.kept) > len(runner.visualizer.drawn) // 3:
            runner.model.samples = [
                SimpleNamespace(is_labeled=torch.tensor(flag), name=f'{index} {number}')
                for number, flag in enumerate(labeled)
            ]
        hook.after_train_iter(runner, index)
        runner.iter += 1


def test_draws_labeled_and_unlabeled_images_of_every_nth_training_batch(training):
    hook = FeedbackVisualizationHook(train_interval=2, max_train_samples=3)
    train(hook, training, 5)
    assert training.model.kept == ['asked', 'asked']
    assert training.visualizer.drawn == [
        ('1 0', 2, 'training_labeled_1'),
        ('1 2', 2, 'training_unlabeled_1'),
        ('1 1', 2, 'training_labeled_2'),
        ('3 0', 4, 'training_labeled_1'),
        ('3 2', 4, 'training_unlabeled_1'),
        ('3 1', 4, 'training_labeled_2'),
    ]
    assert training.model.samples is None


def test_draws_where_a_validation_follows(training):
    train(FeedbackVisualizationHook(train_interval=None, max_train_samples=3), training, 8)
    assert [step for _, step, _ in training.visualizer.drawn] == [3, 3, 3, 6, 6, 6, 8, 8, 8]


def test_by_default_nothing_of_training_is_kept_or_drawn(training):
    train(FeedbackVisualizationHook(), training, 3)
    assert (training.model.kept, training.visualizer.drawn) == ([], [])


@pytest.mark.parametrize('what', ['model', 'visualizer'])
def test_a_training_that_cannot_be_drawn_is_said_once(training, caplog, what):
    if what == 'model':
        training.model = nn.Identity()
        training.model.kept = []
    else:
        training.visualizer = SimpleNamespace(drawn=[])
    train(FeedbackVisualizationHook(train_interval=1), training, 3)
    (record,) = caplog.records
    assert 'draws no pictures of training' in record.message
    found = 'found Identity and Drawer' if what == 'model' else 'found Model and SimpleNamespace'
    assert found in record.message
    assert training.visualizer.drawn == []


def test_a_step_that_kept_nothing_is_not_drawn(training):
    """As under mmengine's plain distributed wrapper, which passes by the model's own step."""
    train(FeedbackVisualizationHook(train_interval=1), training, 2, labeled=())
    training.model.take_training_samples = lambda: None
    train(FeedbackVisualizationHook(train_interval=1), training, 2)
    assert training.visualizer.drawn == []


def test_is_found_by_its_name_and_checks_its_number():
    assert HOOKS.build({'type': 'FeedbackVisualizationHook', 'max_samples': 3}).max_samples == 3
    for name in ('max_samples', 'train_interval', 'max_train_samples'):
        with pytest.raises(UserError, match=f'{name} must not be negative, got -1'):
            FeedbackVisualizationHook(**{name: -1})
