from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS

from fbinpaint_mm.cli import running
from fbinpaint_mm.cli.running import (
    SaveScoresHook,
    build_runner,
    load_run_config,
    run_test,
    run_training,
)
from fbinpaint_mm.engine import DivergedTrainingError
from fbinpaint_mm.evaluation import FinitePSNR


@pytest.fixture
def config(tmp_path):
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
        self.train = train


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


def test_options_and_launcher_reach_the_config(config):
    cfg = load_run_config(config, {'model.width': 8}, launcher='slurm')
    assert (cfg.model.width, cfg.launcher) == (8, 'slurm')


def test_a_training_is_that_of_the_config(config, built):
    run_training(config, cfg_options={'model.width': 8})
    (cfg,) = built.configs
    assert (cfg.model.width, cfg.launcher, cfg.work_dir) == (8, 'none', 'work_dirs/small')
    assert (Path(cfg.load_from).name, cfg.resume) == ('pretrained.pth', False)
    assert 'type' not in cfg.optim_wrapper


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
    assert 'does not belong to this config' in error if resumed else 'none of the 1' in error


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


def test_scores_are_written_by_the_first_process_only(tmp_path):
    path = tmp_path / 'scores.json'
    SaveScoresHook(str(path)).after_test_epoch(SimpleNamespace(rank=1), {'PSNR': 1.0})
    assert not path.exists()


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
