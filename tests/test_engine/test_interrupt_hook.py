"""A training that is told to stop ends between two iterations, and goes on from there."""

from __future__ import annotations

import os
import signal

import pytest
from mmengine.hooks import Hook

from fbinpaint_mm.cli.resume import find_newest_checkpoint
from fbinpaint_mm.engine import InterruptHook
from fbinpaint_mm.user_error import UserError
from tests.test_engine.toy_run import assert_same_state, toy_runner


class Sender(Hook):
    """Signals its own process in the middle of one iteration, or validation."""

    def __init__(self, number, iteration, stage='before_train_iter', times=1):
        self.number, self.iteration, self.times = number, iteration, times
        setattr(self, stage, self.send)

    def send(self, runner, *args, **kwargs):
        if runner.iter == self.iteration:
            self.iteration = None
            for _ in range(self.times):
                os.kill(os.getpid(), self.number)


def interrupted(runner):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(KeyboardInterrupt) as error:
        runner.train()
    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert after == before
    return str(error.value)


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('whole')
    toy_runner(work_dir, 6).train()
    return work_dir / 'iter_6.pth'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_stops_after_the_iteration_and_can_be_resumed(whole, tmp_path, number):
    hooks = [Sender(number, 2), dict(type='InterruptHook')]
    message = interrupted(toy_runner(tmp_path, 6, dict(interval=100), hooks))
    saved = tmp_path / 'iter_3.pth'
    assert message == f'training stopped after 3 iterations; --resume continues from {saved}'
    assert find_newest_checkpoint(tmp_path) == saved
    toy_runner(tmp_path, 6, resume=saved).train()
    assert_same_state(tmp_path / 'iter_6.pth', whole)


def test_a_validation_is_finished_first(tmp_path):
    hooks = [Sender(signal.SIGINT, 2, 'before_val_iter'), dict(type='InterruptHook')]
    settings = dict(interval=100, save_best='PSNR', rule='greater')
    message = interrupted(toy_runner(tmp_path, 6, settings, hooks, validate=True))
    assert 'after 2 iterations' in message
    names = sorted(path.name for path in tmp_path.glob('*.pth'))
    assert names == ['best_PSNR_iter_2.pth', 'iter_2.pth']


def test_a_second_signal_ends_at_once(tmp_path):
    hooks = [Sender(signal.SIGINT, 2, times=2), dict(type='InterruptHook')]
    assert interrupted(toy_runner(tmp_path, 6, dict(interval=100), hooks)) == 'stopped at once'
    assert not list(tmp_path.glob('*.pth'))


def test_signals_are_given_back_after_a_whole_training(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    toy_runner(tmp_path, 1, custom_hooks=[dict(type='InterruptHook')]).train()
    assert signal.getsignal(signal.SIGINT) is before


def test_interval_is_checked():
    with pytest.raises(UserError, match='interval of InterruptHook must be at least 1, got 0'):
        InterruptHook(interval=0)
