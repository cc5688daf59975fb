"""An interrupted and resumed run is the uninterrupted one."""

import json
import random

import numpy as np
import pytest
import torch

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


@pytest.mark.parametrize('num_workers', [0, 1])
def test_resumed_run_equals_uninterrupted_run(small_run, tmp_path, num_workers):
    """Exactly: weights, teacher, memory, optimiser, learning rates, strength and scores."""
    whole = small_run(tmp_path / 'whole', 6, num_workers)
    whole.train()
    first = small_run(tmp_path / 'parts', 3, num_workers)
    first.train()
    halfway = {name: value.clone() for name, value in first.model.state_dict().items()}
    disturb_random_state()
    second = small_run(
        tmp_path / 'parts', 6, num_workers, checkpoint=tmp_path / 'parts' / 'iter_3.pth'
    )
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
        json.loads((tmp_path / run / 'round_scores.json').read_text()) for run in ('whole', 'parts')
    ]
    assert list(scores[0]['iterations']) == ['3', '6']
    assert scores[0] == scores[1]


def test_checkpoint_holds_everything_that_a_resumed_run_needs(small_run, tmp_path):
    runner = small_run(tmp_path, 3)
    runner.train()
    checkpoint = torch.load(tmp_path / 'iter_3.pth', weights_only=False)
    assert_equal(checkpoint['state_dict'], runner.model.state_dict())
    for part in PARTS:
        assert any(name.startswith(part) for name in checkpoint['state_dict']), part
    assert set(checkpoint['optimizer']) == {'generator'}
    assert checkpoint['meta']['iter'] == 3
    assert set(checkpoint['param_schedulers']) == {'generator'}
