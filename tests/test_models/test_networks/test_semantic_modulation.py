from __future__ import annotations

import numpy as np
import torch

from fbinpaint_mm.models.networks import SemanticModulation


def group_norm_by_loops(x: np.ndarray, groups: int) -> np.ndarray:
    out = np.empty_like(x)
    width = x.shape[1] // groups
    for n in range(x.shape[0]):
        for g in range(groups):
            part = x[n, g * width : (g + 1) * width]
            out[n, g * width : (g + 1) * width] = (part - part.mean()) / np.sqrt(part.var() + 1e-5)
    return out


def test_map_acts_at_its_own_pixel_only():
    modulation = SemanticModulation(8, 6)
    x, embedding = torch.randn(1, 8, 3, 5), torch.randn(1, 6, 3, 5)
    changed = embedding.clone()
    changed[..., 1, 2] += 1
    difference = (modulation(x, embedding) - modulation(x, changed)).abs().sum((0, 1))
    assert difference.nonzero().tolist() == [[1, 2]]


def test_scale_and_shift_by_hand():
    modulation = SemanticModulation(4, 2, groups=2)
    weight, bias = torch.randn(8, 2), torch.randn(8)
    with torch.no_grad():
        modulation.modulation.weight.copy_(weight.view(8, 2, 1, 1))
        modulation.modulation.bias.copy_(bias)
    x, embedding = torch.randn(2, 4, 3, 3), torch.randn(2, 2, 3, 3)

    found = modulation(x, embedding).detach()

    normal = group_norm_by_loops(x.numpy(), 2)
    for n, y, z in np.ndindex(2, 3, 3):
        both = (weight @ embedding[n, :, y, z] + bias).numpy()
        gamma, beta = both[:4], both[4:]
        expected = normal[n, :, y, z] * (1 + gamma) + beta
        np.testing.assert_allclose(found[n, :, y, z], expected, atol=1e-5)


def test_without_semantics_an_affine_normalisation():
    x = torch.randn(2, 8, 3, 5)
    modulation = SemanticModulation(8, 0, groups=2)
    scale, shift = torch.randn(8), torch.randn(8)
    with torch.no_grad():
        modulation.norm.weight.copy_(scale)
        modulation.norm.bias.copy_(shift)
    expected = group_norm_by_loops(x.numpy(), 2) * scale.view(1, 8, 1, 1).numpy()
    expected += shift.view(1, 8, 1, 1).numpy()
    np.testing.assert_allclose(modulation(x, None).detach(), expected, atol=1e-5)


def test_modulation_learns_from_the_first_step():
    modulation = SemanticModulation(8, 6)
    loss = (modulation(torch.randn(2, 8, 3, 5), torch.randn(2, 6, 3, 5)) - 1).square().sum()
    loss.backward()
    assert all(p.grad.abs().sum() > 0 for p in modulation.parameters())
