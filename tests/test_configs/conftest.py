"""A training step of each shipped config, and their Runners."""

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

from fbinpaint_mm.optimizer_settings import drop_idle_optimizers
from tests.test_configs.shipped_configs import remove_downloads

RUNS = count()


class Trained(NamedTuple):
    """A model after one step, the losses of that by name, and the names of what it changed."""

    model: BaseModel
    losses: dict[str, torch.Tensor]
    changed: set[str]


@pytest.fixture(autouse=True)
def _configs_as_shipped(monkeypatch) -> Iterator[None]:
    """In mmagic's scope, not changed by variables of the shell, with the same random numbers."""
    for name in ('INITIAL', 'MIGAN', 'SEGMENTOR', 'WEIGHTS', 'RESNET50'):
        monkeypatch.delenv(f'FBINPAINT_{name}', raising=False)
    with DefaultScope.overwrite_default_scope('mmagic'), torch.random.fork_rng():
        torch.manual_seed(0)
        np.random.seed(0)
        yield


@pytest.fixture(scope='module')
def train() -> Callable[[Config, dict], Trained]:
    """Trains the model of a config; equal models that follow each other share the step.

    The step moves all networks, those of mmagic's methods too.
    """
    last: dict[str, Trained] = {}

    def run(config: Config, batch: dict) -> Trained:
        settings = ConfigDict(model=config.model, optim_wrapper=config.optim_wrapper)
        key = repr((settings, batch['inputs'][0].shape))
        if key not in last:
            last.clear()
            last[key] = _take_step(deepcopy(settings), batch)
        return last[key]

    return run


def _take_step(settings: ConfigDict, batch: dict) -> Trained:
    remove_downloads(settings)
    model = MODELS.build(settings.model).train()
    schedule = settings.model.train_cfg
    if 'disc_step' in schedule:  # of mmagic: the generator learns in every so many steps
        model.disc_step_count = schedule.disc_step - 1
    if 'iter_td' in schedule:  # and only later together with the discriminators
        model.cur_iter = schedule.iter_td + 1
    before = {key: value.clone() for key, value in model.named_parameters()}
    wrapper = build_optim_wrapper(model, settings.optim_wrapper)
    losses = model.train_step(deepcopy(batch), wrapper)
    changed = {k for k, value in model.named_parameters() if not torch.equal(value, before[k])}
    model.zero_grad()
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    return Trained(model, losses, changed)


@pytest.fixture
def make_runner(tmp_path, monkeypatch) -> Callable[[Config], Runner]:
    """The Runner of a training of one iteration of two images; nothing is downloaded."""
    # mmengine formats the config with yapf, which takes seconds.
    monkeypatch.setattr(Config, 'pretty_text', property(lambda self: repr(self.to_dict())))

    def make(config: Config) -> Runner:
        for part in (config.model, config.val_evaluator):
            remove_downloads(part)
        drop_idle_optimizers(config)  # as every tool does
        config.work_dir = str(tmp_path / 'run')
        config.experiment_name = config.visualizer.name = f'config_{next(RUNS)}'
        config.train_cfg.update(max_iters=1, val_interval=1)
        config.train_dataloader.batch_size = 2
        for loader in (config.train_dataloader, config.val_dataloader):
            loader.update(num_workers=0, persistent_workers=False)
            loader.dataset.serialize_data = False  # mmengine would collect garbage, which is slow
        return Runner.from_cfg(config)

    return make
