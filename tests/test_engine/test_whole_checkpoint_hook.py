"""A checkpoint is whole, or it is not there."""

from __future__ import annotations

import builtins
import errno
import io
import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from mmagic.registry import HOOKS
from mmengine.config import Config

from fbinpaint_mm.checkpoint import resume_problem
from fbinpaint_mm.cli.resume import find_newest_checkpoint
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.user_error import UserError
from tests.test_engine.toy_run import ToyMetric, assert_same_state, toy_runner

REAL_OPEN = io.open


class DyingFile:
    """Kills its process in the middle of what it is told to write."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()


def train_until_killed(work_dir, fatal_name):
    """Runs in a forked process, which dies while it writes a file of this name."""

    def open_file(file, mode='r', *args, **kwargs):
        opened = REAL_OPEN(file, mode, *args, **kwargs)
        fatal = 'x' in mode and Path(str(file)).name.startswith(fatal_name)
        return DyingFile(opened) if fatal else opened

    torch.set_num_threads(1)  # as every forked worker of torch does
    builtins.open = io.open = open_file
    toy_runner(work_dir, 6, dict(save_best='PSNR', rule='greater'), validate=True).train()


def kill_training(work_dir, fatal_name):
    child = multiprocessing.get_context('fork').Process(
        target=train_until_killed, args=(work_dir, fatal_name)
    )
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('uninterrupted')
    toy_runner(work_dir, 6).train()
    return work_dir / 'iter_6.pth'


# What a process writes last before it is killed, and the iteration that it can be resumed from.
@pytest.mark.parametrize(
    ('fatal_name', 'iteration'),
    [('iter_4.', 2), ('iter_6.', 4), ('best_PSNR_iter_4.', 4)],
)
def test_killed_while_writing_a_checkpoint(
    uninterrupted, tmp_path, monkeypatch, fatal_name, iteration
):
    kill_training(tmp_path, fatal_name)
    halves = [path.name for path in tmp_path.glob('*.part')]
    assert [name.startswith(fatal_name) for name in halves] == [True]
    newest = find_newest_checkpoint(tmp_path)
    assert newest == tmp_path / f'iter_{iteration}.pth'
    assert all(resume_problem(path) is None for path in tmp_path.glob('iter_*.pth'))
    best = tmp_path / 'best_PSNR_iter_2.pth'
    assert best.is_file() == (fatal_name != 'iter_6.'), 'given up before the new one'

    toy_runner(tmp_path, 6, resume=newest).train()
    assert_same_state(tmp_path / 'iter_6.pth', uninterrupted)
    assert not list(tmp_path.glob('*.part'))


def test_killed_while_writing_the_record(tmp_path):
    kill_training(tmp_path, 'last_checkpoint')
    assert not (tmp_path / 'last_checkpoint').exists()
    assert find_newest_checkpoint(tmp_path) == tmp_path / 'iter_2.pth'


def fail_for(names, monkeypatch):
    """Makes the disk full for some files, after half of them was written."""
    real = os.fsync

    def full(descriptor):
        name = os.path.basename(os.readlink(f'/proc/self/fd/{descriptor}'))
        if any(name.startswith(one) for one in names):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr('fbinpaint_mm.write_file.os.fsync', full)


@pytest.fixture
def errors(monkeypatch):
    seen = []
    monkeypatch.setattr(
        'mmengine.logging.MMLogger.error', lambda self, text, *a, **k: seen.append(text)
    )
    return seen


def test_full_disk_is_reported_and_training_goes_on(uninterrupted, tmp_path, monkeypatch, errors):
    fail_for(['iter_4.'], monkeypatch)
    toy_runner(tmp_path, 6).train()
    assert len(errors) == 1
    assert str(tmp_path / 'iter_4.pth') in errors[0]
    assert 'No space left on device' in errors[0]
    assert 'MiB are free' in errors[0]
    assert f'newest whole checkpoint is {tmp_path / "iter_2.pth"}' in errors[0]
    assert sorted(path.name for path in tmp_path.glob('*.pth*')) == ['iter_6.pth']
    assert_same_state(tmp_path / 'iter_6.pth', uninterrupted)
    hub = torch.load(tmp_path / 'iter_6.pth', weights_only=False)['message_hub']
    assert hub['runtime_info']['keep_ckpt_ids'] == [6]


def test_full_disk_keeps_the_older_checkpoint(tmp_path, monkeypatch, errors):
    fail_for(['iter_4.'], monkeypatch)
    toy_runner(tmp_path, 5).train()
    monkeypatch.undo()
    assert find_newest_checkpoint(tmp_path).name == 'iter_5.pth'

    fail_for(['iter_6.', 'iter_7.'], monkeypatch)
    with pytest.raises(OSError, match=r'No space left on device.*iter_7\.pth') as error:
        toy_runner(tmp_path, 7, resume=tmp_path / 'iter_5.pth').train()
    assert error.value.errno == errno.ENOSPC
    assert [path.name for path in tmp_path.glob('*.pth*')] == ['iter_5.pth']
    assert find_newest_checkpoint(tmp_path).name == 'iter_5.pth'


def test_full_disk_keeps_the_best_checkpoint(tmp_path, monkeypatch, errors):
    fail_for(['best_PSNR_iter_4.'], monkeypatch)
    best = dict(save_best='PSNR', rule='greater')
    runner = toy_runner(tmp_path, 5, best, validate=True)
    runner.val_loop  # noqa: B018  (built before the run, so that the metric can be read)
    runner.train()
    assert 'best_PSNR_iter_4.pth' in errors[0]
    assert [path.name for path in tmp_path.glob('best*')] == ['best_PSNR_iter_5.pth']


def test_checkpoints_are_given_up_as_mmengine_does(tmp_path):
    settings = dict(max_keep_ckpts=2, save_best='PSNR', rule='greater')
    toy_runner(tmp_path / 'ours', 7, settings, validate=True).train()
    toy_runner(tmp_path / 'theirs', 7, dict(settings, type='CheckpointHook'), validate=True).train()
    ours, theirs = (
        sorted(path.name for path in (tmp_path / run).glob('*.pth')) for run in ('ours', 'theirs')
    )
    assert ours == theirs == ['best_PSNR_iter_7.pth', 'iter_6.pth', 'iter_7.pth']
    one, other = (
        torch.load(tmp_path / run / 'iter_7.pth', weights_only=False)['message_hub']
        for run in ('ours', 'theirs')
    )
    names = ('keep_ckpt_ids', 'best_score')
    assert all(one['runtime_info'][n] == other['runtime_info'][n] for n in names)
    for name in ('best_ckpt', 'last_ckpt'):
        kept = [Path(hub['runtime_info'][name]).name for hub in (one, other)]
        assert kept[0] == kept[1]


# ----------------------------------------------------- what a resumed run goes on with


class Score(ToyMetric):
    """The scores of the validations to come; the process dies in one of ``None``."""

    def __init__(self, *scores):
        super().__init__()
        self.scores = list(scores)

    def compute_metrics(self, results):
        score = self.scores.pop(0)
        if score is None:
            raise SystemExit('killed')
        return dict(PSNR=score)


def scored_runner(work_dir, max_iters, *scores, resume=None, **checkpoint):
    """A toy that validates after every second iteration, and its metric."""
    settings = dict(save_best='PSNR', rule='greater', **checkpoint)
    runner = toy_runner(work_dir, max_iters, settings, validate=Score(*scores), resume=resume)
    return runner, runner.val_loop.evaluator.metrics[0]


def hub_of(checkpoint):
    return torch.load(checkpoint, weights_only=False)['message_hub']['runtime_info']


@pytest.mark.parametrize('max_iters', [4, 6], ids=['at the end', 'before the end'])
def test_a_validation_that_a_kill_has_prevented_is_made_on_resume(tmp_path, max_iters):
    runner, _ = scored_runner(tmp_path, 4, 1.0, None)
    with pytest.raises(SystemExit):
        runner.train()
    assert hub_of(tmp_path / 'iter_4.pth')['validated'] == 2

    scores = [9.0, 5.0][: max_iters // 2 - 1]
    resume = tmp_path / 'iter_4.pth'
    runner, metric = scored_runner(tmp_path, max_iters, *scores, resume=resume)
    runner.train()
    assert metric.scores == []
    assert [path.name for path in tmp_path.glob('best*')] == ['best_PSNR_iter_4.pth']
    hub = hub_of(tmp_path / f'iter_{max_iters}.pth')
    assert (hub['best_score'], hub['validated']) == (9.0, max_iters)


@pytest.mark.parametrize('second', [2.0, 0.5], ids=['better', 'worse'])
def test_a_validation_that_the_checkpoint_knows_of_is_not_repeated(tmp_path, second):
    scored_runner(tmp_path, 4, 1.0, second)[0].train()
    runner, metric = scored_runner(tmp_path, 6, 3.0, resume=tmp_path / 'iter_4.pth')
    runner.train()
    assert metric.scores == [], 'validated once, after iteration 6'


def test_training_is_the_same_after_a_validation_that_was_made_late(tmp_path):
    scored_runner(tmp_path / 'whole', 6, 1.0, 2.0, 3.0)[0].train()
    runner, _ = scored_runner(tmp_path / 'killed', 6, 1.0, None)
    with pytest.raises(SystemExit):
        runner.train()
    resume = tmp_path / 'killed' / 'iter_4.pth'
    scored_runner(tmp_path / 'killed', 6, 2.0, 3.0, resume=resume)[0].train()
    assert_same_state(tmp_path / 'whole' / 'iter_6.pth', tmp_path / 'killed' / 'iter_6.pth')


@pytest.mark.parametrize('moved', [False, True])
def test_a_resumed_run_knows_its_newest_checkpoint(tmp_path, monkeypatch, errors, moved):
    work_dir = tmp_path / 'run'
    toy_runner(work_dir, 4).train()
    if moved:
        work_dir = work_dir.rename(tmp_path / 'moved')
    fail_for(['iter_6.'], monkeypatch)
    toy_runner(work_dir, 7, resume=work_dir / 'iter_4.pth').train()
    assert f'newest whole checkpoint is {work_dir / "iter_4.pth"}' in errors[0]


@pytest.mark.parametrize('elsewhere', ['run/best_PSNR_iter_2.pth', 'thesis.pth'])
def test_a_copied_run_removes_nothing_elsewhere(tmp_path, elsewhere):
    """A checkpoint notes where the best one was, to be removed for a better one."""
    scored_runner(tmp_path / 'run', 2, 1.0)[0].train()
    (tmp_path / 'thesis.pth').touch()
    copy = shutil.copytree(tmp_path / 'run', tmp_path / 'copy')
    state = torch.load(copy / 'iter_2.pth', weights_only=False)
    info = state['message_hub']['runtime_info']
    info.update(best_ckpt=str(tmp_path / elsewhere), keep_ckpt_ids=['/../../thesis', 2])
    torch.save(state, copy / 'iter_2.pth')
    (copy / 'iter_').mkdir()
    scored_runner(copy, 4, 2.0, resume=copy / 'iter_2.pth')[0].train()
    assert (tmp_path / 'thesis.pth').exists()
    assert (tmp_path / 'run' / 'best_PSNR_iter_2.pth').exists()
    ours = {'best_PSNR_iter_4.pth'} | ({'best_PSNR_iter_2.pth'} if 'thesis' in elsewhere else set())
    assert {path.name for path in copy.glob('best*')} == ours, 'its own was given up'


def test_a_setting_that_the_first_save_would_refuse_is_refused_at_once():
    hook = dict(type='WholeCheckpointHook', intervall=3)
    cfg = Config(dict(default_hooks=dict(checkpoint=hook)))
    message = r"^default_hooks\.checkpoint\.intervall: .* Did you mean 'interval'\?"
    with pytest.raises(UserError, match=message), mistakes_in_settings(cfg):
        HOOKS.build(hook)


def test_the_best_of_a_score_that_is_not_measured_is_refused(tmp_path):
    runner = toy_runner(tmp_path, 2, dict(save_best='PSNRR', rule='greater'), validate=True)
    message = r"^default_hooks\.checkpoint\.save_best: found 'PSNRR', expected one of .*PSNR"
    with pytest.raises(UserError, match=message):
        runner.train()
    # Nothing is lost: put right, the run makes up for the validation.
    runner, _ = scored_runner(tmp_path, 2, 1.0, resume=tmp_path / 'iter_2.pth')
    runner.train()
    assert (tmp_path / 'best_PSNR_iter_2.pth').exists()
