"""What several hooks ask of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Protocol

import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop
from torch import nn

from fbinpaint_mm.engine.hooks.utils import (
    check_protocol,
    is_due,
    validation_follows,
    validation_interval,
)
from fbinpaint_mm.user_error import UserError


class Needed(Protocol):
    size: int
    weight: torch.Tensor
    part: nn.Module

    def act(self) -> None: ...


def test_parameters_buffers_and_submodules_count():
    model = nn.Module()
    model.size, model.act = 3, print
    model.part = nn.Identity()
    model.register_buffer('weight', torch.ones(1))
    check_protocol(Needed, model, 'SomeHook')


def test_what_is_missing_is_named():
    message = r'^SomeHook needs size, weight, part, act, see .*test_hook_utils\.Needed; Linear '
    with pytest.raises(UserError, match=message + 'lacks size, part, act$'):
        check_protocol(Needed, nn.Linear(1, 1), 'SomeHook')


@pytest.fixture
def runner():
    return SimpleNamespace(iter=0, max_iters=11, train_loop=SimpleNamespace(val_interval=4))


def due_iterations(runner, interval):
    found = []
    for index in range(runner.max_iters):
        runner.iter = index
        if is_due(runner, interval):
            found.append(index + 1)
    return found


@pytest.mark.parametrize(
    ('interval', 'expected'), [(5, [5, 10, 11]), (1, [*range(1, 12)]), (0, []), (None, [4, 8, 11])]
)
def test_every_nth_iteration_and_the_last_are_due(runner, interval, expected):
    assert due_iterations(runner, interval) == expected


def test_validations_of_a_training_by_epochs_are_counted_in_iterations(runner):
    loop = EpochBasedTrainLoop.__new__(EpochBasedTrainLoop)
    loop.val_interval, loop.dataloader = 2, range(3)
    runner.train_loop = loop
    assert validation_interval(runner) == 6
    assert due_iterations(runner, None) == [6, 11]


@pytest.mark.parametrize(
    ('done', 'follows'), [(1, False), (2, False), (4, True), (5, False), (6, True), (7, True)]
)
@pytest.mark.parametrize('by_epoch', [False, True])
def test_a_validation_follows_every_interval_from_its_begin_and_the_last_step(
    done, follows, by_epoch
):
    loop = EpochBasedTrainLoop.__new__(EpochBasedTrainLoop) if by_epoch else SimpleNamespace()
    steps = ('_epoch', '_max_epochs') if by_epoch else ('iter', 'max_iters')
    vars(loop).update({steps[0]: done, steps[1]: 7, 'val_begin': 4, 'val_interval': 2})
    assert validation_follows(SimpleNamespace(train_loop=loop, val_loop=object())) is follows
    assert not validation_follows(SimpleNamespace(train_loop=loop, val_loop=None))
