"""What a training is about to do, in the lines before its first iteration."""

from __future__ import annotations

import pytest

from fbinpaint_mm.engine.hooks.run_summary_hook import (
    RunSummaryHook,
    describe_data,
    describe_model,
    describe_plan,
    is_migan_random,
    readable,
    starts_from_nothing,
)
from fbinpaint_mm.models.networks import MIGANEncoderDecoder

from .toy_run import toy_runner


class Log:
    """Notes what it is told, and how."""

    log_file = 'work_dirs/run.log'

    def __init__(self):
        self.lines, self.warnings = [], []
        self.info, self.warning = self.lines.append, self.warnings.append


@pytest.fixture
def summary(small_run, tmp_path):
    def of(max_iters=6, **settings):
        runner = small_run(tmp_path / 'run', max_iters, **settings)
        runner.logger = Log()
        RunSummaryHook().before_train(runner)
        return runner.logger

    return of


def test_data_model_plan_and_the_log_are_described(summary, tmp_path):
    log = summary()
    data, model, plan, file = log.lines
    assert data == 'Data: 12 images, 3 labeled, 10 classes; 2 to validate'
    assert model.startswith(
        'Model: FeedbackRecorrectionInpaintor, 2 rounds; parameters that learn: '
    )
    for network in ('initial ', 'guided ', 'segmentor ', 'feedback '):
        assert network in model.partition('; fixed: ')[0]
    assert model.partition('; fixed: ')[2].startswith('teacher ')
    assert plan == (
        'Plan: 6 iterations; batches of 4 images; cpu; validation every 3 and at the end; '
        f'checkpoint every 3 and at the end; in {tmp_path / "run"}'
    )
    assert file.endswith(': work_dirs/run.log')


def test_a_segmentor_without_weights_is_warned_of(summary):
    (warning,) = summary().warnings
    assert 'The segmentor starts from random weights' in warning
    assert "init_cfg=dict(type='Pretrained', checkpoint=...)" in warning


@pytest.mark.parametrize('part', ['segmentor', 'backbone'])
def test_a_segmentor_with_weights_is_not(summary, part):
    init_cfg = dict(type='Pretrained', checkpoint='weights.pth')
    settings = dict(init_cfg=init_cfg) if part == 'segmentor' else dict(pretrained='weights.pth')
    assert summary(segmentor=settings).warnings == []


def test_a_run_that_starts_from_a_checkpoint_is_not_warned(summary, tmp_path):
    assert summary(checkpoint=tmp_path / 'iter_3.pth').warnings == []


def test_other_models_data_and_runs_are_described_by_what_they_have(tmp_path):
    runner = toy_runner(tmp_path, max_iters=2)
    runner.model.disc.requires_grad_(False)
    assert describe_data(runner) == 'Data: 8 images; none to validate'
    assert describe_model(runner.model) == (
        'Model: ToyModel; parameters that learn: generator 0.0 k; fixed: disc 0.0 k'
    )
    assert describe_plan(runner) == (
        f'Plan: 2 iterations; batches of 2 images; cpu; checkpoint at the end; in {tmp_path}'
    )
    assert not starts_from_nothing(runner.model)


def test_a_resumed_plan_says_what_is_done(tmp_path):
    runner = toy_runner(tmp_path, max_iters=5)
    runner.train_loop._iter = 3
    assert describe_plan(runner).startswith('Plan: 5 iterations, 3 of them done; batches of 2')
    assert 'checkpoint every 2 and at the end' in describe_plan(runner)


def test_numbers_of_parameters_are_readable():
    assert [readable(n) for n in (800, 9999, 10_000, 1_234_567)] == [
        '0.8 k',
        '10.0 k',
        '0.01 M',
        '1.23 M',
    ]


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        (dict(noise_size=4), True),
        (dict(noise_size=4, init_cfg=dict(type='Pretrained', checkpoint='migan.pth')), False),
        (dict(noise_size=0), False),  # made to learn from nothing
    ],
)
def test_a_network_of_migan_without_the_public_weights_is_found(settings, expected):
    assert is_migan_random(MIGANEncoderDecoder(channels=(4, 4, 4), **settings)) is expected
