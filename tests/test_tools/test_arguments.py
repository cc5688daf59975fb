"""Tools whose command line is all that they add to a function of the package."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from fbinpaint_mm.cli.export_holes import export_config_holes
from fbinpaint_mm.cli.publishing import publish
from fbinpaint_mm.cli.running import run_test, run_training

RUN = dict(config='demo', work_dir=None, cfg_options={}, launcher='none', trust_checkpoint=False)
TRAIN = dict(RUN, resume=None, amp=False, amp_dtype=None, auto_scale_lr=False)
NEW = dict(config='demo', out=Path('new'))


@pytest.mark.parametrize(
    ('tool', 'function', 'command', 'expected'),
    [
        (
            'train',
            run_training,
            'demo --amp --work-dir here --local-rank 1',
            dict(TRAIN, amp=True, work_dir='here'),
        ),
        ('train', run_training, 'demo --resume', dict(TRAIN, resume='auto')),
        (
            'train',
            run_training,
            'demo --resume a.pth --trust-checkpoint',
            dict(TRAIN, resume='a.pth', trust_checkpoint=True),
        ),
        (
            'train',
            run_training,
            'demo --cfg-options train_cfg.max_iters=3 a.betas=(0.1,0.2) a.key=a,b',
            dict(
                TRAIN,
                cfg_options={
                    'train_cfg.max_iters': 3,
                    'a.betas': (0.1, 0.2),
                    'a.key': ['a', 'b'],
                },
            ),
        ),
        (
            'test',
            run_test,
            'demo best.pth --out scores.json --cfg-options a.b=1',
            dict(RUN, checkpoint='best.pth', out='scores.json', cfg_options={'a.b': 1}),
        ),
        (
            'export_holes',
            export_config_holes,
            'demo --out new --cfg-options a=1',
            dict(NEW, split='test', cfg_options={'a': 1}),
        ),
        (
            'publish_checkpoint',
            publish,
            'demo best.pth --out new --half',
            NEW
            | dict(checkpoint='best.pth', url='', scores=None, dataset='', half=True)
            | dict(trust_checkpoint=False),
        ),
    ],
)
def test_what_is_parsed_is_what_the_function_takes(load_tool, tool, function, command, expected):
    args = load_tool(tool).parse_args(command.split())
    assert inspect.signature(function).bind(**vars(args)).arguments == expected


@pytest.mark.parametrize(
    ('tool', 'command', 'message'),
    [
        ('train', 'demo --launcher none_such', 'invalid choice'),
        ('train', 'demo --cfg-options max_iters 4', "found 'max_iters', expected KEY=VALUE"),
        ('test', 'demo a.pth --cfg-options a=[1,2', 'Imbalanced brackets exist in [1,2'),
        ('prepare_cityscapes', 'folder --num-workers 0', '0 is out of range, expected 1 or more'),
        ('prepare_celebamask_hq', 'a b --size -8', '-8 is out of range, expected 1 or more'),
        ('prepare_celebamask_hq', 'a b --num-images x', "invalid int value: 'x'"),
        ('test', 'demo a.pth --out a.txt', "--out 'a.txt' should end with one of .json"),
        ('publish_checkpoint', 'demo a.pth --out new --scores one', 'belong together'),
        ('publish_checkpoint', 'demo a.pth --out new --dataset one', 'belong together'),
    ],
)
def test_wrong_arguments_end_in_a_message(load_tool, capsys, tool, command, message):
    with pytest.raises(SystemExit) as end:
        load_tool(tool).parse_args(command.split())
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_options_of_a_config_add_to_those_before(load_tool):
    args = load_tool('train').parse_args(
        ['demo', '--cfg-options', 'a=1', 'b=2', '--cfg-options', 'b=3']
    )
    assert args.cfg_options == dict(a=1, b=3)


def test_a_mistake_ends_in_one_line(load_tool, monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['publish_checkpoint.py', 'missing', 'a.pth', '--out', 'new'])
    with pytest.raises(SystemExit):
        load_tool('publish_checkpoint').main()
    error = capsys.readouterr().err
    assert error.startswith("publish_checkpoint.py: config 'missing' is neither a file nor")
    assert error.count('\n') == 1
