from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import laplace

from fbinpaint_mm.models.losses import LaplaceLoss


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scale, image, target and mask."""
    mask = (torch.rand(2, 1, 4, 5) > 0.4).float()
    return torch.rand(2, 1, 4, 5) + 0.05, torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5), mask


def test_by_hand():
    # Errors 0.1, 0.2 and 0.6: mean 0.3; the second pixel is known and does not count.
    image = torch.tensor([[0.1, 9.0], [-0.2, 9.0], [0.6, 9.0]]).view(1, 3, 1, 2)
    mask = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    scale = torch.tensor([0.5, 0.001]).view(1, 1, 1, 2)
    expected = 0.3 / 0.5 + np.log(0.5)

    found = LaplaceLoss(2.0)(scale, image, torch.zeros_like(image), mask)

    assert found.item() == pytest.approx(2 * expected, rel=1e-5)


def test_equals_scipy():
    scale, image, target, mask = batch()
    density = laplace.logpdf(image.double(), loc=target.double(), scale=scale.double())
    # The density has a factor 1 / 2 more, a constant.
    per_pixel = -density.mean(axis=1, keepdims=True) - np.log(2)
    expected = per_pixel[mask.numpy() == 1].mean()

    found = LaplaceLoss()(scale, image, target, mask)

    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_smallest_at_the_mean_absolute_error():
    _, image, target, mask = batch()
    error = ((image - target).abs().mean(1, keepdim=True) * mask).sum() / mask.sum()
    factors = np.linspace(0.5, 2.0, 61)
    losses = [
        LaplaceLoss()(torch.full_like(mask, error.item() * f), image, target, mask).item()
        for f in factors
    ]
    assert factors[np.argmin(losses)] == pytest.approx(1.0)
    assert losses[0] > min(losses) + 0.05
    assert losses[-1] > min(losses) + 0.05


def test_gradient_reaches_the_scale_in_the_hole_and_never_the_image():
    scale, image, target, mask = batch()
    scale.requires_grad_()
    image.requires_grad_()
    LaplaceLoss()(scale, image, target, mask).backward()
    assert image.grad is None
    assert torch.equal(scale.grad != 0, mask == 1)


def test_no_hole_costs_nothing():
    scale, image, target, mask = batch()
    scale.requires_grad_()
    loss = LaplaceLoss()(scale, image, target, torch.zeros_like(mask))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(scale.grad, torch.zeros_like(scale))
