from __future__ import annotations

from typing import Protocol

import pytest
import torch
from torch import nn

from fbinpaint_mm.engine.hooks.check_protocol import check_protocol


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
    message = r'^SomeHook needs size, weight, part, act, see .*test_check_protocol\.Needed; Linear '
    with pytest.raises(TypeError, match=message + 'lacks size, part, act$'):
        check_protocol(Needed, nn.Linear(1, 1), 'SomeHook')
