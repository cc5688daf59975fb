from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from fbinpaint_mm.engine import DivergedTrainingError


@pytest.fixture
def train(load_tool):
    return load_tool('train')


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'small.py'
    path.write_text(
        'train_cfg = dict(max_iters=100)\n'
        "optim_wrapper = dict(optimizer=dict(type='Adam', lr=1.0, betas=(0.5, 0.9)))\n"
    )
    return path


def test_defaults(train, config):
    cfg = train.build_config(train.parse_args([str(config)]))
    assert cfg.work_dir == 'work_dirs/small'
    assert cfg.launcher == 'none'
    assert not cfg.get('resume')
    assert 'type' not in cfg.optim_wrapper


def test_cfg_options_reach_nested_settings(train, config):
    options = [
        'train_cfg.max_iters=3',
        'optim_wrapper.optimizer.betas=(0.1,0.2)',
        'env_cfg.key=a,b',
    ]
    cfg = train.build_config(train.parse_args([str(config), '--cfg-options', *options]))
    assert cfg.train_cfg.max_iters == 3
    assert cfg.optim_wrapper.optimizer == dict(type='Adam', lr=1.0, betas=(0.1, 0.2))
    assert cfg.env_cfg.key == ['a', 'b']


def test_cfg_options_work_dir_holds_unless_given_on_its_own(train, config):
    options = [str(config), '--cfg-options', 'work_dir=from_options']
    assert train.build_config(train.parse_args(options)).work_dir == 'from_options'
    options += ['--work-dir', 'own']
    assert train.build_config(train.parse_args(options)).work_dir == 'own'


def test_resume_with_and_without_a_checkpoint(train, config, tmp_path):
    assert train.parse_args([str(config)]).resume is None
    assert train.parse_args([str(config), '--resume']).resume == 'auto'
    checkpoint = tmp_path / 'iter_5.pth'
    torch.save(dict(meta={}, state_dict={}, message_hub={}), checkpoint)
    cfg = train.build_config(train.parse_args([str(config), '--resume', str(checkpoint)]))
    assert (cfg.load_from, cfg.resume) == (str(checkpoint), True)


def test_amp_reaches_the_wrapper(train, config, monkeypatch):
    monkeypatch.setattr('mmengine.device.get_device', lambda: 'cuda')
    cfg = train.build_config(train.parse_args([str(config), '--amp']))
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    options = [str(config), '--amp', '--amp-dtype', 'bfloat16']
    cfg = train.build_config(train.parse_args(options))
    assert cfg.optim_wrapper.type == 'BFloat16OptimWrapper'


DIVERGED = DivergedTrainingError(3, {'weight': 'is not finite'}, ['1.png'], None, 'Resume.')


@pytest.mark.parametrize(
    ('error', 'status'), [(DIVERGED, str(DIVERGED)), (KeyboardInterrupt('at once'), 130)]
)
def test_a_process_that_stops_waits_for_no_other(train, config, monkeypatch, error, status):
    """If only the one that writes checkpoints diverges, or is told twice, the others never come."""

    def stop():
        raise error

    def wait():
        raise AssertionError('waits')

    runner = SimpleNamespace(hooks=[], train=stop)
    monkeypatch.setattr(train, 'build_runner', lambda cfg: runner)
    monkeypatch.setattr(train, 'end_processes', wait)
    monkeypatch.setattr(sys, 'argv', ['train.py', str(config)])
    with pytest.raises(SystemExit) as end:
        train.main()
    assert end.value.code == status


def test_a_mistake_in_the_config_ends_in_a_sentence(train, config, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['train.py', str(config), '--auto-scale-lr'])
    with pytest.raises(SystemExit, match=r'^train\.py: --auto-scale-lr needs auto_scale_lr='):
        train.main()


def test_auto_scale_lr_is_passed_on(train, config):
    with pytest.raises(ValueError, match='base_batch_size'):
        train.build_config(train.parse_args([str(config), '--auto-scale-lr']))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['missing.py'], "config file 'missing.py' does not exist"),
        (['CONFIG', '--resume', 'missing.pth'], "checkpoint 'missing.pth' does not exist"),
        (['CONFIG', '--launcher', 'none_such'], 'invalid choice'),
    ],
)
def test_wrong_arguments_end_with_a_message(train, config, capsys, arguments, message):
    with pytest.raises(SystemExit):
        train.parse_args([str(config) if name == 'CONFIG' else name for name in arguments])
    assert message in capsys.readouterr().err


def test_missing_config_is_reported_before_anything_heavy_is_imported(repository):
    code = (
        'import runpy, sys\n'
        f"sys.argv = ['train.py', 'configs/none_such.py']\n"
        f'sys.path.insert(0, {str(repository / "tools")!r})\n'
        'try:\n'
        f"    runpy.run_path({str(repository / 'tools' / 'train.py')!r}, run_name='__main__')\n"
        'finally:\n'
        "    print('heavy' if {'mmagic', 'fbinpaint_mm'} & set(sys.modules) else 'light')\n"
    )
    command = [sys.executable, '-c', code]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout.split() == ['light']
    assert 'none_such.py' in result.stderr
    assert 'Traceback' not in result.stderr
