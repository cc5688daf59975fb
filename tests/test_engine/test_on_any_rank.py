"""Two real ranks are in test_divergence_hook.py."""

from __future__ import annotations

import importlib

import pytest

from fbinpaint_mm.engine.on_any_rank import on_any_rank


@pytest.mark.parametrize('seen', [True, False])
def test_a_single_process_decides_alone(seen):
    assert on_any_rank(seen) is seen


@pytest.mark.parametrize(('own', 'other'), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_one_of_two_is_enough(monkeypatch, own, other):
    def all_reduce(flag, op):
        assert op == 'max'
        flag.clamp_(min=other)

    module = importlib.import_module('fbinpaint_mm.engine.on_any_rank')
    monkeypatch.setattr(module, 'all_reduce', all_reduce)
    monkeypatch.setattr(module, 'get_world_size', lambda: 2)
    monkeypatch.setattr(module, 'get_comm_device', lambda: 'cpu')
    assert on_any_rank(bool(own)) is bool(own or other)
