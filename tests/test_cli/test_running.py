from __future__ import annotations

import errno
import json
import logging
import multiprocessing
import os
from pathlib import Path
from types import SimpleNamespace

import mmengine
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS

from fbinpaint_mm.cli import running
from fbinpaint_mm.cli.resume import DropConfigTextHook
from fbinpaint_mm.cli.running import (
    SaveScoresHook,
    build_runner,
    load_run_config,
    run_test,
    run_training,
)
from fbinpaint_mm.engine import DivergedTrainingError
from fbinpaint_mm.evaluation import FinitePSNR, HoleIoU
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, weights = tmp_path / 'small.py', tmp_path / 'pretrained.pth'
    torch.save(torch.nn.Linear(3, 1).state_dict(), weights)
    path.write_text(
        f"load_from = '{weights}'\nresume = False\nmodel = dict(width=4)\n"
        "optim_wrapper = dict(optimizer=dict(type='Adam', lr=1.0))\n"
    )
    return str(path)


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / 'iter_5.pth'
    torch.save(dict(meta={}, state_dict=torch.nn.Linear(3, 1).state_dict(), message_hub={}), path)
    return str(path)


class FakeRunner:
    """Keeps its config; a training does what the test says."""

    def __init__(self, train=lambda: None):
        self.hooks = []
        self.model = torch.nn.Linear(3, 1)
        self.optim_wrapper = None
        self.logger = logging.getLogger('fake')
        self.train = train

    def register_hook(self, hook):
        self.hooks.append(hook)


@pytest.fixture
def built(monkeypatch):
    """The configs of the Runners that are built, and what their training does."""
    runs = SimpleNamespace(configs=[], train=lambda: None)

    def build(cfg):
        runs.configs.append(cfg)
        return FakeRunner(runs.train)

    monkeypatch.setattr(running, 'build_runner', build)
    return runs


def fail(capsys, function, *args, **kwargs):
    with pytest.raises(SystemExit) as end:
        function(*args, **kwargs)
    assert end.value.code == 2
    return capsys.readouterr().err


def test_work_dir_is_that_of_the_caller_else_of_the_config_else_its_name(config):
    assert load_run_config(config).work_dir == 'work_dirs/small'
    options = dict(work_dir='from_options')
    assert load_run_config(config, options).work_dir == 'from_options'
    assert load_run_config(config, options, work_dir='own').work_dir == 'own'
    assert load_run_config(config, dict(work_dir=2026)).work_dir == '2026'


def test_options_and_launcher_reach_the_config(config):
    cfg = load_run_config(config, {'model.width': 8}, launcher='slurm')
    assert (cfg.model.width, cfg.launcher) == (8, 'slurm')


def test_a_training_is_that_of_the_config(config, built):
    run_training(config, cfg_options={'model.width': 8})
    (cfg,) = built.configs
    assert (cfg.model.width, cfg.launcher, cfg.work_dir) == (8, 'none', 'work_dirs/small')
    assert (Path(cfg.load_from).name, cfg.resume) == ('pretrained.pth', False)
    assert 'type' not in cfg.optim_wrapper


def test_a_checkpoint_has_no_text_run(config, built, monkeypatch):
    runners = []
    monkeypatch.setattr(
        running, 'build_runner', lambda cfg: runners.append(FakeRunner()) or runners[0]
    )
    run_training(config)
    assert [type(hook) for hook in runners[0].hooks] == [DropConfigTextHook]


def test_a_second_training_at_once_is_refused(config, built, capsys):
    """What a user does with two terminals; the first one holds its work directory."""
    errors = []

    def second():
        child = multiprocessing.get_context('fork').Process(target=run_training, args=[config])
        child.start()
        child.join()
        errors.append(child.exitcode)

    built.train = second
    run_training(config)
    assert errors == [2]
    assert len(built.configs) == 1
    run_training(config)
    assert errors == [2, 2], 'the folder was given back'


def test_processes_of_one_training_share_the_folder(config, built, monkeypatch):
    def second():
        monkeypatch.setenv('RANK', '1')
        built.train = lambda: None
        run_training(config, launcher='pytorch')

    monkeypatch.setenv('RANK', '0')
    built.train = second
    run_training(config, launcher='pytorch')
    assert len(built.configs) == 2


def test_a_folder_with_checkpoints_is_used_by_its_own_run_only(config, tmp_path, built, capsys):
    run_training(config)
    work_dir = tmp_path / 'work_dirs/small'
    assert work_dir.is_dir()
    weights = torch.nn.Linear(3, 1).state_dict()
    state = dict(meta=dict(iter=5), state_dict=weights, message_hub={})
    for folder in (work_dir, tmp_path):
        torch.save(state, folder / 'iter_5.pth')
    held = "work directory 'work_dirs/small' holds a run that has saved iter_5.pth"

    assert f'train.py: {held}: go on with --resume, or give another folder with --work-dir' in fail(
        capsys, run_training, config
    )
    assert f"{held}, and 'iter_5.pth' is from elsewhere: give another folder" in fail(
        capsys, run_training, config, resume='iter_5.pth'
    )
    run_training(config, resume='auto')
    run_training(config, resume='work_dirs/small/iter_5.pth')
    run_training(config, work_dir='other')
    assert len(built.configs) == 4


def test_resume_in_a_config_is_that_of_the_command_line(config, checkpoint, built, capsys):
    run_training(config, cfg_options=dict(load_from=checkpoint, resume=True))
    error = fail(capsys, run_training, config, cfg_options=dict(resume=True))
    assert "pretrained.pth': it holds weights but no training state" in error
    run_training(config, cfg_options=dict(load_from=None, resume=True))
    found = [(cfg.load_from, cfg.resume) for cfg in built.configs]
    assert found == [(checkpoint, True), (None, False)]


def test_a_disk_that_is_full_of_other_files_is_told_with_the_folder(config, built, capsys):
    def full():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    built.train = full
    error = fail(capsys, run_training, config)
    assert 'No space left on device' in error
    assert "'work_dirs/small'" in error


def test_a_length_that_does_not_fit_is_told_in_the_log(config, built, caplog):
    run_training(
        config,
        cfg_options={
            'train_cfg': dict(max_iters=5),
            'param_scheduler': dict(type='PolyLR', end=400, by_epoch=False),
        },
    )
    assert 'the PolyLR of param_scheduler at 400' in caplog.text


def test_a_training_is_resumed_in_mixed_precision(config, checkpoint, built):
    run_training(config, resume=checkpoint, amp=True, amp_dtype='bfloat16')
    (cfg,) = built.configs
    assert (cfg.load_from, cfg.resume) == (checkpoint, True)
    assert cfg.optim_wrapper.type == 'BFloat16OptimWrapper'


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(config='missing.py'), "config 'missing.py' is neither a file nor one of"),
        (dict(resume='missing.pth'), "checkpoint 'missing.pth' does not exist"),
        (dict(auto_scale_lr=True), '--auto-scale-lr needs auto_scale_lr='),
        (dict(cfg_options={'modle.width': 8}), "Did you mean 'model'?"),
        (
            dict(cfg_options={'optim_wrapper.optimizer.lr': 'fast'}),
            "train.py: optim_wrapper.optimizer.lr: found 'fast', expected a number",
        ),
        (
            dict(cfg_options={'train_dataloader': dict(dataset=dict(type='A'), num_workers=-1)}),
            'train.py: train_dataloader.num_workers: found -1, expected a whole number of 0 or',
        ),
        (dict(cfg_options={'train_cfg.max_iters': 0}), 'train_cfg.max_iters: found 0, expected'),
        (dict(work_dir='small.py/run'), "--work-dir 'small.py/run' cannot be made: found a file"),
    ],
)
def test_a_mistake_ends_in_a_sentence(config, built, capsys, options, message):
    error = fail(capsys, run_training, **{'config': config, **options})
    assert error.startswith('train.py: ')
    assert message in error
    assert built.configs == []


@pytest.mark.parametrize('resumed', [False, True])
def test_a_checkpoint_of_another_model_starts_no_training(
    config, checkpoint, built, tmp_path, capsys, resumed
):
    state = dict(meta={}, state_dict={'other.weight': torch.ones(2)}, message_hub={})
    torch.save(state, tmp_path / 'other.pth')
    built.train = lambda: pytest.fail('it trains')
    start = dict(resume=str(tmp_path / 'other.pth')) if resumed else {}
    error = fail(
        capsys, run_training, config, cfg_options=dict(load_from=f'{tmp_path}/other.pth'), **start
    )
    assert 'other.pth' in error
    assert 'does not belong to this config' in error if resumed else 'none of its 1' in error


DIVERGED = DivergedTrainingError(3, {'weight': 'is not finite'}, ['1.png'], None, 'Resume.')


@pytest.mark.parametrize(
    ('error', 'status'), [(DIVERGED, str(DIVERGED)), (KeyboardInterrupt('at once'), 130)]
)
def test_a_process_that_stops_waits_for_no_other(config, built, monkeypatch, error, status):
    """If only the one that writes checkpoints diverges, or is told twice, the others never come."""

    def stop():
        raise error

    def wait():
        raise AssertionError('waits')

    built.train = stop
    monkeypatch.setattr(running, 'end_processes', wait)
    with pytest.raises(SystemExit) as end:
        run_training(config)
    assert end.value.code == status


def test_the_checkpoint_under_test_replaces_what_the_config_would_load(
    config, checkpoint, built, capsys
):
    torch.save(dict(state_dict={'weight': torch.ones(2)}), checkpoint)
    error = fail(capsys, run_test, config, checkpoint)
    (cfg,) = built.configs
    assert (cfg.load_from, cfg.resume) == (checkpoint, False)
    assert error.startswith(f'test.py: checkpoint {checkpoint!r} does not belong to this config')


def test_what_is_missing_for_a_test_is_told_at_once(config, checkpoint, built, capsys):
    error = fail(capsys, run_test, config, f'{checkpoint}.missing')
    assert 'does not exist. In that folder are: iter_5.pth' in error
    error = fail(capsys, run_test, config, checkpoint, out=f'{config}/scores.json')
    assert "small.py' cannot be made" in error
    assert built.configs == []


def test_scores_are_written_as_plain_numbers_with_their_protocol(tmp_path):
    path = tmp_path / 'scores.json'
    scores = {'PSNR/round1': np.float32(24.5), 'mIoU/round1': torch.tensor(0.5), 'samples': 8}
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=[FinitePSNR()]))
    SaveScoresHook(str(path)).after_test_epoch(SimpleNamespace(rank=0, test_loop=loop), scores)
    stored = json.loads(path.read_text())
    assert stored['scores'] == {'PSNR/round1': 24.5, 'mIoU/round1': 0.5, 'samples': 8}
    assert stored['protocol'] == FinitePSNR().protocol()


@pytest.mark.parametrize('suffix', ['.json', '.yaml', '.yml', '.pkl'])
def test_scores_are_written_whole_or_not_at_all(tmp_path, suffix, monkeypatch):
    path, loop = (
        tmp_path / f'scores{suffix}',
        SimpleNamespace(evaluator=SimpleNamespace(metrics=[])),
    )
    runner = SimpleNamespace(rank=0, test_loop=loop)
    SaveScoresHook(str(path)).after_test_epoch(runner, {'PSNR': 1.5})
    before = path.read_bytes()
    assert mmengine.load(path) == {'scores': {'PSNR': 1.5}, 'protocol': {}}

    def full(draft, path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match=rf'Make room there .*scores{suffix}'):
        SaveScoresHook(str(path)).after_test_epoch(runner, {'PSNR': 2.5})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_maps_of_a_model_of_other_classes_are_not_scored():
    dataset = SimpleNamespace(metainfo=dict(classes=('road', 'sky')))
    evaluator = SimpleNamespace(metrics=[HoleIoU()])
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset), evaluator=evaluator)
    hook, runner = SaveScoresHook(None), SimpleNamespace(test_loop=loop)
    meta = dict(dataset_meta=dict(classes=['skin', 'hair']))
    with pytest.raises(UserError, match='classes skin, hair, but those of the test are road, sky'):
        hook.after_load_checkpoint(runner, dict(meta=meta))
    for meta in (None, {}, dict(dataset_meta=None), dict(dataset_meta={})):
        hook.after_load_checkpoint(runner, dict(meta=meta))


def test_weights_that_are_not_finite_are_not_scored():
    model = torch.nn.Linear(3, 1)
    runner = SimpleNamespace(model=model, cfg=SimpleNamespace(load_from='last.pth'))
    SaveScoresHook(None).before_test_epoch(runner)
    torch.nn.init.constant_(model.bias, float('nan'))
    with pytest.raises(UserError, match=r"'last\.pth': 1 of 2 entries hold NaN .*, first 'bias'"):
        SaveScoresHook(None).before_test_epoch(runner)


def test_scores_are_written_by_the_first_process_only(tmp_path):
    path = tmp_path / 'scores.json'
    SaveScoresHook(str(path)).after_test_epoch(SimpleNamespace(rank=1), {'PSNR': 1.0})
    assert not path.exists()


def test_a_test_with_a_nan_score_writes_its_file_and_fails(config, tmp_path, capsys, monkeypatch):
    class Tested(FakeRunner):
        rank, test_loop = 0, None

        def register_hook(self, hook):
            self.hooks.append(hook)

        def test(self):
            for hook in self.hooks:
                hook.after_test_epoch(self, {'PSNR': float('nan'), 'SSIM': 0.5, 'SSIM_count': 2})

    runner = Tested()
    monkeypatch.setattr(running, 'build_runner', lambda cfg: runner)
    path, out = tmp_path / 'linear.pth', tmp_path / 'scores.json'
    torch.save(dict(state_dict=runner.model.state_dict()), path)
    error = fail(capsys, run_test, config, str(path), out=str(out))
    assert error.startswith('test.py: no finite PSNR; the log names the images')
    assert json.loads(out.read_text())['scores']['SSIM'] == 0.5


def test_runner_type_of_the_config_is_respected():
    class OwnRunner:
        @classmethod
        def from_cfg(cls, cfg):
            return 'own', cfg.work_dir

    RUNNERS.register_module(module=OwnRunner, name='OwnRunner', force=True)
    try:
        cfg = Config(dict(runner_type='OwnRunner', launcher='none', work_dir='here'))
        assert build_runner(cfg) == ('own', 'here')
    finally:
        RUNNERS.module_dict.pop('OwnRunner')
