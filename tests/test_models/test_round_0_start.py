"""Discriminator and confidence go on from a model of round 0 alone, or the file is refused."""

import re

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.logging import MMLogger

ROUND_0 = dict.fromkeys(
    ('guided', 'segmentor', 'feedback', 'recorrection', 'loss_segmentation', 'loss_consistency')
) | dict(train_cfg=dict(rounds=0), test_cfg=dict(rounds=0), loss_prototype=None)


@pytest.fixture
def build(repository):
    """The small inpaintor with a discriminator, changed."""
    small = Config.fromfile(repository / 'tests/small_inpaintor.py')

    def make(**changes):
        return MODELS.build({**small.model, **small.adversarial, **changes})

    return make


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'initial.pth'


@pytest.fixture
def state(build):
    return build(**ROUND_0).state_dict()


def start(build, path, state, **changes):
    torch.save(dict(state_dict=state), path)
    model = build(start_checkpoint=str(path), **changes)
    model.init_weights()
    return model.state_dict()


def test_discriminator_and_confidence_start_from_it_and_nothing_else(build, path, state):
    state = {key: torch.full_like(value, 3) for key, value in state.items()}
    started = start(build, path, state)
    loaded = {key for key, value in started.items() if value.numel() and (value == 3).all()}
    expected = {key for key in started if key.startswith(('generator.confidence.', 'disc.'))}
    assert expected
    assert expected == loaded


def test_a_second_call_leaves_what_was_trained_since(build, path, state):
    torch.save(dict(state_dict=state), path)
    model = build(start_checkpoint=str(path))
    model.init_weights()
    for parameter in model.parameters():
        parameter.data.fill_(0.5)
    model.init_weights()
    assert all((parameter == 0.5).all() for parameter in model.parameters())


def test_the_log_says_once_what_starts_from_where(build, path, state):
    torch.save(dict(state_dict=state), path)
    model = build(start_checkpoint=str(path))
    logger = MMLogger.get_instance('round 0', logger_name='round 0')
    records = []
    logger.addFilter(lambda record: records.append(record.getMessage()) or True)
    model.init_weights()
    model.init_weights()
    told = [line for line in records if line.startswith('start_checkpoint')]
    parts = 'generator.confidence and disc'
    assert told == [f'start_checkpoint {str(path)!r} is the start of: {parts}']


def test_a_model_without_discriminator_starts_too(build, path, state):
    started = start(build, path, state, disc=None, loss_gan=None)
    key = next(key for key in state if key.startswith('generator.confidence.'))
    assert torch.equal(started[key], state[key])


def test_a_whole_inpaintor_is_refused(build, path):
    message = (
        r"initial\.pth' is not that of a model of round 0 alone: found \d+ entries of other "
        r"networks, first 'generator\.(guided|segmentor)\..*'; expected .* in configs/inpaintors/"
    )
    with pytest.raises(ValueError, match=message):
        start(build, path, build().state_dict())


@pytest.mark.parametrize('part', ['generator.confidence.', 'disc.'])
def test_entries_that_do_not_fit_are_refused(build, path, state, part):
    key = next(key for key in state if key.startswith(part) and state[key].ndim > 1)
    shape = tuple(state[key].shape)
    for found, spoilt in {
        'nothing': {k: v for k, v in state.items() if k != key},
        '(2,)': state | {key: torch.zeros(2)},
    }.items():
        message = re.escape(f'{key!r}: found {found}, expected {shape}')
        with pytest.raises(ValueError, match=message):
            start(build, path, spoilt)
    with pytest.raises(ValueError, match=rf"'{part}new': found \(2,\), expected nothing"):
        start(build, path, state | {f'{part}new': torch.zeros(2)})
