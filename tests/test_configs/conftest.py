"""Training steps and Runners of the shipped configs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import count
from typing import NamedTuple

import numpy as np
import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config, ConfigDict
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from tests.test_configs.shipped_configs import remove_downloads

RUNS = count()


class Trained(NamedTuple):
    """A model after its steps, their losses by name, and the names of what they changed."""

    model: BaseModel
    losses: dict[str, torch.Tensor]
    changed: set[str]


@pytest.fixture(autouse=True)
def _scope_and_seed(monkeypatch) -> Iterator[None]:
    """The configs as they are shipped: no variable of the developer's shell changes them."""
    for name in ('INITIAL', 'SEGMENTOR', 'WEIGHTS', 'RESNET50'):
        monkeypatch.delenv(f'FBINPAINT_{name}', raising=False)
    with DefaultScope.overwrite_default_scope('mmagic'), torch.random.fork_rng():
        torch.manual_seed(0)
        np.random.seed(0)
        yield


@pytest.fixture(scope='module')
def train() -> Callable[[Config, dict], Trained]:
    """Trains the model of a config; equal models that follow each other share the steps."""
    last: dict[str, Trained] = {}

    def run(config: Config, batch: dict) -> Trained:
        settings = ConfigDict(model=config.model, optim_wrapper=config.optim_wrapper)
        key = repr((settings, batch['inputs'][0].shape))
        if key not in last:
            last.clear()
            last[key] = _take_steps(deepcopy(settings), batch)
        return last[key]

    return run


def _take_steps(settings: ConfigDict, batch: dict) -> Trained:
    """One step of ours; of mmagic's methods as many as move all of their networks."""
    remove_downloads(settings)
    model = MODELS.build(settings.model).train()
    wrapper = build_optim_wrapper(model, settings.optim_wrapper)
    before = {key: value.clone() for key, value in model.named_parameters()}
    losses = model.train_step(deepcopy(batch), wrapper)
    if settings.model.train_cfg.get('disc_step') == 2:  # the generator in every second step
        losses = model.train_step(deepcopy(batch), wrapper)
    if 'iter_td' in settings.model.train_cfg:  # the discriminators after the generator
        model.cur_iter = settings.model.train_cfg.iter_td + 1
        losses |= model.train_step(deepcopy(batch), wrapper)
    changed = {k for k, value in model.named_parameters() if not torch.equal(value, before[k])}
    model.zero_grad()
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    return Trained(model, losses, changed)


@pytest.fixture
def make_runner(tmp_path, monkeypatch) -> Callable[[Config], Runner]:
    """The Runner of a training of two images an iteration; nothing is downloaded."""
    # mmengine formats the config with yapf, which takes seconds.
    monkeypatch.setattr(Config, 'pretty_text', property(lambda self: repr(self.to_dict())))

    def make(config: Config, max_iters: int) -> Runner:
        remove_downloads(config.model)
        config.work_dir = str(tmp_path / 'run')
        config.experiment_name = config.visualizer.name = f'config_{next(RUNS)}'
        config.train_cfg.update(max_iters=max_iters, val_interval=max_iters)
        config.train_dataloader.batch_size = 2
        for loader in (config.train_dataloader, config.val_dataloader):
            loader.update(num_workers=0, persistent_workers=False)
        return Runner.from_cfg(config)

    return make
