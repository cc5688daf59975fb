from copy import deepcopy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from fbinpaint_mm.resumed_settings import changed_settings

SETTINGS = dict(
    model=dict(type='A', freeze_initial=True, initial=dict(init_cfg=dict(checkpoint='a.pth'))),
    optim_wrapper=dict(optimizer=dict(lr=0.1, betas=(0.5, 0.9))),
    work_dir='first',
)


@pytest.fixture
def save(tmp_path):
    def write(settings):
        path = tmp_path / 'iter_1.pth'
        torch.save(dict(meta=dict(cfg=Config(deepcopy(settings)).pretty_text)), path)
        return path

    return write


@pytest.fixture
def checkpoint(save):
    return save(SETTINGS)


def test_nothing_has_changed(checkpoint):
    cfg = Config(deepcopy(SETTINGS))
    cfg.work_dir = 'second'
    cfg.optim_wrapper.optimizer.betas = [0.5, 0.9]
    assert changed_settings(checkpoint, cfg) == []


def test_names_what_has(checkpoint):
    cfg = Config(deepcopy(SETTINGS))
    cfg.model.freeze_initial = False
    cfg.model.initial.init_cfg = None
    cfg.model.rounds = 3
    cfg.optim_wrapper.optimizer.lr = 0.2
    assert changed_settings(checkpoint, cfg) == [
        'model.freeze_initial: True then, False now',
        'model.initial.init_cfg: nothing then, None now',
        "model.initial.init_cfg.checkpoint: 'a.pth' then, nothing now",
        'model.rounds: nothing then, 3 now',
        'optim_wrapper.optimizer.lr: 0.1 then, 0.2 now',
    ]


@pytest.mark.parametrize(
    ('then', 'now'),
    [(1, 1.0), (2.0, 2), ((1, 0.5), [1.0, 0.5]), ([dict(a=1, b=(3,))], [dict(a=1.0, b=[3.0])])],
)
def test_one_value_written_in_two_ways_has_not_changed(save, then, now):
    assert changed_settings(save(dict(model=dict(a=then))), Config(dict(model=dict(a=now)))) == []


@pytest.mark.parametrize(('then', 'now'), [(1, True), (1, 1.5), (1, '1'), (False, 0)])
def test_values_that_only_look_alike_have_changed(save, then, now):
    lines = changed_settings(save(dict(model=dict(a=then))), Config(dict(model=dict(a=now))))
    assert lines == [f'model.a: {then!r} then, {now!r} now']


@pytest.mark.parametrize(
    ('settings', 'reason'),
    [
        (dict(model=dict(limit=float('inf'))), "NameError: name 'inf' is not defined"),
        (dict(model=dict(limit=float('nan'))), "NameError: name 'nan' is not defined"),
        (dict(model=dict(folder=Path('a'))), "NameError: name 'a' is not defined"),
        (dict(custom_imports=dict(imports=['no_such_module_xyz'])), 'no_such_module_xyz'),
    ],
)
def test_settings_that_cannot_be_read_are_told_in_one_line(save, settings, reason):
    settings = dict(settings, optim_wrapper=dict(lr=0.1))
    (line,) = changed_settings(save(settings), Config(dict(optim_wrapper=dict(lr=0.2))))
    assert line.startswith('the settings of the run could not be read: ')
    assert reason in line
    assert '\n' not in line


@pytest.mark.parametrize('state', [dict(), dict(meta=dict(iter=1))])
def test_a_checkpoint_without_a_config_tells_nothing(tmp_path, state):
    torch.save(state, tmp_path / 'x.pth')
    assert changed_settings(tmp_path / 'x.pth', Config(deepcopy(SETTINGS))) == []
