from __future__ import annotations

import pytest
import torch
from torch import nn

from fbinpaint_mm.models.networks import ModulatedResidualBlock


def test_is_residual():
    block = ModulatedResidualBlock(8, 6)
    nn.init.zeros_(block.conv2.weight)
    nn.init.zeros_(block.conv2.bias)
    x = torch.randn(2, 8, 5, 7)
    assert torch.equal(block(x, torch.randn(2, 6, 5, 7)), x)


@pytest.mark.parametrize('dilation', [1, 3])
def test_reaches_as_far_as_its_dilation(dilation):
    block = ModulatedResidualBlock(4, 0, dilation)
    block.modulation1.norm = block.modulation2.norm = nn.Identity()  # it would mix all pixels
    x = torch.randn(1, 4, 15, 15)
    changed = x.clone()
    changed[..., 7, 7] += 1

    difference = (block(changed, None) - block(x, None)).abs().sum((0, 1))

    reach = dilation + 1
    touched = difference.nonzero()
    assert touched.amin().item() == 7 - reach
    assert touched.amax().item() == 7 + reach


def test_map_has_influence_and_all_parts_learn():
    block = ModulatedResidualBlock(8, 6)
    x, one, other = torch.randn(1, 8, 4, 4), torch.randn(1, 6, 4, 4), torch.randn(1, 6, 4, 4)
    assert not torch.allclose(block(x, one), block(x, other))
    block(x, one).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in block.parameters())


def test_without_semantics():
    block = ModulatedResidualBlock(8, 0)
    x = torch.randn(1, 8, 4, 4)
    found = block(x, None)
    assert found.shape == x.shape
    assert not torch.allclose(found, x)
