"""What several hooks ask of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Protocol

import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop
from torch import nn

from fbinpaint_mm.engine.hooks.utils import check_protocol, is_due, validation_interval
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
    return SimpleNamespace(iter=0, train_loop=SimpleNamespace(val_interval=4))


def due_iterations(runner, interval):
    found = []
    for runner.iter in range(12):
        if is_due(runner, interval):
            found.append(runner.iter + 1)
    return found


@pytest.mark.parametrize(
    ('interval', 'expected'), [(5, [5, 10]), (1, [*range(1, 13)]), (0, []), (None, [4, 8, 12])]
)
def test_iterations_that_are_due(runner, interval, expected):
    assert due_iterations(runner, interval) == expected


def test_validations_of_a_training_by_epochs_are_counted_in_iterations(runner):
    loop = EpochBasedTrainLoop.__new__(EpochBasedTrainLoop)
    loop.val_interval, loop.dataloader = 2, range(3)
    runner.train_loop = loop
    assert validation_interval(runner) == 6
    assert due_iterations(runner, None) == [6, 12]
