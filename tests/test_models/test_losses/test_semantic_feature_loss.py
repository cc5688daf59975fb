from __future__ import annotations

import numpy as np
import pytest
import torch
from mmagic.registry import MODELS
from torch import Tensor

from fbinpaint_mm.models.losses import SemanticFeatureLoss

SHAPES = [(2, 3, 4, 5), (2, 7, 2, 3)]


def features(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in SHAPES]


def distance_by_loops(found: list[Tensor], wanted: list[Tensor]) -> float:
    means = []
    for one, other in zip(found, wanted, strict=True):
        one, other = one.double().numpy(), other.double().numpy()
        n, _, h, w = one.shape
        values = []
        for index, y, x in np.ndindex(n, h, w):
            a, b = one[index, :, y, x], other[index, :, y, x]
            a, b = a / np.sqrt((a * a).sum()), b / np.sqrt((b * b).sum())
            values.append(sum((p - q) ** 2 for p, q in zip(a, b, strict=True)))
        means.append(sum(values) / len(values))
    return sum(means) / len(means)


@pytest.mark.parametrize('weight', [1.0, 3.0])
def test_equals_loops_over_pixels(weight):
    loss = MODELS.build(dict(type='SemanticFeatureLoss', loss_weight=weight))
    found, wanted = features(0), features(1)
    value = loss(found, wanted)
    assert value.shape == ()
    assert value.item() == pytest.approx(weight * distance_by_loops(found, wanted), rel=1e-5)


def test_by_hand():
    """Feature vectors at right angles are sqrt(2) apart, whatever their lengths."""
    found = torch.tensor([3.0, 0.0]).view(1, 2, 1, 1)
    wanted = torch.tensor([0.0, 5.0]).view(1, 2, 1, 1)
    assert SemanticFeatureLoss()([found], [wanted]).item() == pytest.approx(2)
    assert SemanticFeatureLoss()([found, wanted], [wanted, wanted]).item() == pytest.approx(1)


def test_lies_between_equal_and_opposite_features():
    loss, found = SemanticFeatureLoss(), features(0)
    assert loss(found, [one.clone() for one in found]) == 0
    assert loss(found, [7 * one for one in found]).item() == pytest.approx(0, abs=1e-6)
    assert loss(found, [-one for one in found]).item() == pytest.approx(4, rel=1e-6)


def test_pixels_without_any_feature_stay_finite():
    zeros = [torch.zeros(shape).requires_grad_() for shape in SHAPES]
    value = SemanticFeatureLoss()(zeros, features(1))
    value.backward()
    assert value.item() == pytest.approx(1, rel=1e-6)
    assert all(one.grad.isfinite().all() for one in zeros)


def test_gradient_leads_towards_what_is_wanted():
    loss, found = SemanticFeatureLoss(), [one.requires_grad_() for one in features(0)]
    wanted = features(1)
    before = loss(found, wanted)
    before.backward()
    assert all(one.grad.any() for one in found)
    with torch.no_grad():
        assert loss([one - 0.1 * one.grad for one in found], wanted) < before


def test_half_precision_is_compared_in_float32():
    found, wanted = ([(1e3 * one).to(torch.float16) for one in features(seed)] for seed in range(2))
    with torch.autocast('cpu', torch.bfloat16):
        value = SemanticFeatureLoss()(found, wanted)
    assert value.dtype == torch.float32
    expected = SemanticFeatureLoss()([x.float() for x in found], [x.float() for x in wanted])
    assert torch.equal(value, expected)
    assert value.item() == pytest.approx(distance_by_loops(found, wanted), rel=1e-5)


def test_as_many_feature_maps_of_both_images():
    with pytest.raises(ValueError, match='zip'):
        SemanticFeatureLoss()(features(0), features(1)[:1])
