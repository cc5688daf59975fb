from __future__ import annotations

import inspect

import pytest

from fbinpaint_mm.cli.running import run_training


@pytest.fixture
def train(load_tool):
    return load_tool('train')


def test_what_is_parsed_is_what_a_training_takes(train):
    args = train.parse_args(['demo', '--amp', '--work-dir', 'here', '--local-rank', '1'])
    given = inspect.signature(run_training).bind(**vars(args)).arguments
    assert given == dict(
        config='demo',
        work_dir='here',
        cfg_options={},
        launcher='none',
        resume=None,
        amp=True,
        amp_dtype=None,
        auto_scale_lr=False,
    )


def test_cfg_options_are_numbers_tuples_and_lists(train):
    options = ['train_cfg.max_iters=3', 'optimizer.betas=(0.1,0.2)', 'env_cfg.key=a,b']
    args = train.parse_args(['demo', '--cfg-options', *options])
    assert args.cfg_options == {
        'train_cfg.max_iters': 3,
        'optimizer.betas': (0.1, 0.2),
        'env_cfg.key': ['a', 'b'],
    }


def test_resume_with_and_without_a_checkpoint(train):
    assert train.parse_args(['demo', '--resume']).resume == 'auto'
    assert train.parse_args(['demo', '--resume', 'iter_5.pth']).resume == 'iter_5.pth'


def test_wrong_arguments_end_with_a_message(train, capsys):
    with pytest.raises(SystemExit):
        train.parse_args(['demo', '--launcher', 'none_such'])
    assert 'invalid choice' in capsys.readouterr().err
