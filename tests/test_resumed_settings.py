from copy import deepcopy

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
def checkpoint(tmp_path):
    path = tmp_path / 'iter_1.pth'
    torch.save(dict(meta=dict(cfg=Config(deepcopy(SETTINGS)).pretty_text)), path)
    return path


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


@pytest.mark.parametrize('state', [dict(), dict(meta=dict(iter=1))])
def test_a_checkpoint_without_a_config_tells_nothing(tmp_path, state):
    torch.save(state, tmp_path / 'x.pth')
    assert changed_settings(tmp_path / 'x.pth', Config(deepcopy(SETTINGS))) == []
