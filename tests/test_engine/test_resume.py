"""An interrupted and resumed run is the uninterrupted one, with a moving average too."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import EMAHook, Hook

PARTS = (
    'generator.initial.',
    'generator.guided.',
    'generator.segmentor.',
    'generator.feedback.',
    'generator.recorrection.',
    'generator.confidence.',
    'generator.memory.prototypes',
    'generator.memory.updates',
    'generator.strength',
    'teacher.segmentor.',
    'teacher.trust',
)


def flatten(value, name=''):
    """Leaves of nested dicts and lists by their path."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return {name: value}
    return {k: v for key, child in items for k, v in flatten(child, f'{name}/{key}').items()}


def assert_equal(one, other):
    one, other = flatten(one), flatten(other)
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, other[name]), name
        else:
            assert value == other[name], name


def disturb_random_state():
    """What a new process does: it knows nothing of the random numbers drawn before."""
    torch.manual_seed(123)
    np.random.seed(123)
    random.seed(123)


def assert_holds_everything(path, state):
    """A checkpoint has all that a resumed run needs."""
    checkpoint = torch.load(path, weights_only=False)
    assert_equal(checkpoint['state_dict'], state)
    for part in PARTS:
        assert any(name.startswith(part) for name in checkpoint['state_dict']), part
    assert set(checkpoint['optimizer']) == set(checkpoint['param_schedulers']) == {'generator'}
    assert checkpoint['meta']['iter'] == 3


@pytest.fixture(scope='module')
def whole(small_run, tmp_path_factory):
    """An uninterrupted run, in a process without workers."""
    runner = small_run(tmp_path_factory.mktemp('whole'), 6)
    runner.train()
    return runner


@pytest.mark.parametrize('num_workers', [0, 1])
def test_resumed_run_equals_uninterrupted_run(whole, small_run, tmp_path, num_workers):
    """Exactly: weights, teacher, memory, optimizer, learning rates, strength and scores."""
    first = small_run(tmp_path, 3, num_workers)
    first.train()
    halfway = {name: value.clone() for name, value in first.model.state_dict().items()}
    checkpoint = tmp_path / 'iter_3.pth'
    assert_holds_everything(checkpoint, halfway)
    disturb_random_state()
    second = small_run(tmp_path, 6, num_workers, checkpoint)
    second.train()

    assert whole.iter == second.iter == 6
    state = whole.model.state_dict()
    for part in PARTS:
        names = [name for name in state if name.startswith(part)]
        assert names, f'nothing is named {part}'
        changed = any(not torch.equal(state[name], halfway[name]) for name in names)
        assert changed, f'{part} did not change after the interruption, so it proves nothing'
    assert_equal(second.model.state_dict(), state)
    assert_equal(second.optim_wrapper.state_dict(), whole.optim_wrapper.state_dict())
    assert_equal(second.optim_wrapper.get_lr(), whole.optim_wrapper.get_lr())
    for scalar in ('loss', 'feedback/strength', 'round2_loss_l1_hole', 'feedback/labeled'):
        one, other = (
            run.message_hub.get_scalar(f'train/{scalar}').data[0] for run in (second, whole)
        )
        np.testing.assert_array_equal(one, other)
    scores = [
        json.loads((Path(run.work_dir) / 'round_scores.json').read_text())
        for run in (whole, second)
    ]
    assert list(scores[0]['iterations']) == ['3', '6']
    assert scores[0] == scores[1]


class Watch(Hook):
    """Keeps the weights that validation works with, and those after each iteration."""

    priority = 'LOWEST'

    def before_val_epoch(self, runner):
        self.validated = copied(runner.model)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.trained = copied(runner.model)


def copied(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def train(runner):
    """The runner after its training, with a moving average and a watch."""
    ema, watch = EMAHook(momentum=0.3), Watch()
    for hook in (ema, watch):
        runner.register_hook(hook)
    runner.train()
    return ema, watch


def test_average_is_validated_and_saved_and_training_goes_on_without(small_run, tmp_path):
    runner = small_run(tmp_path / 'whole', 6)
    ema, watch = train(runner)
    average = ema.ema_model.module.state_dict()
    learning = [f'generator.{name}' for name, _ in runner.model.generator.named_parameters()]
    assert any(not torch.equal(average[name], watch.trained[name]) for name in learning)
    saved = torch.load(tmp_path / 'whole/iter_6.pth', weights_only=False)
    for name in learning:
        assert torch.equal(watch.validated[name], average[name]), name
        assert torch.equal(saved['state_dict'][name], average[name]), name
        assert torch.equal(saved['ema_state_dict'][f'module.{name}'], watch.trained[name]), name
    assert_equal(runner.model.state_dict(), watch.trained)

    resumed = small_run(tmp_path / 'rest', 6, checkpoint=tmp_path / 'whole/iter_3.pth')
    rest, _ = train(resumed)
    assert_equal(resumed.model.state_dict(), watch.trained)
    assert_equal(rest.ema_model.state_dict(), ema.ema_model.state_dict())
    assert rest.ema_model.steps == 6


def test_learning_rates_follow_the_batch_size(small_run, tmp_path):
    """The configs are made for 8 images, this run has 4."""
    runner = small_run(tmp_path, 1)
    wrappers = runner.build_optim_wrapper(runner.optim_wrapper)
    before = wrappers['generator'].optimizer.param_groups[0]['lr']
    runner.scale_lr(wrappers, runner.auto_scale_lr)
    assert wrappers['generator'].optimizer.param_groups[0]['lr'] == before
    runner.scale_lr(wrappers, dict(runner.auto_scale_lr, enable=True))
    assert wrappers['generator'].optimizer.param_groups[0]['lr'] == before / 2
