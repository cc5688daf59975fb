"""Compares what two checkpoints make a run continue with."""

from __future__ import annotations

import torch


def state_of(checkpoint):
    found = torch.load(checkpoint, weights_only=False)
    return found['state_dict'], found['optimizer'], found['meta']['iter']


def assert_same_state(one, other):
    one, other = state_of(one), state_of(other)
    assert one[2] == other[2]
    for name, value in one[0].items():
        assert torch.equal(value, other[0][name]), name
    for network, wrapper in one[1].items():
        for index, state in wrapper['state'].items():
            for name, value in state.items():
                assert torch.equal(value, other[1][network]['state'][index][name]), name
