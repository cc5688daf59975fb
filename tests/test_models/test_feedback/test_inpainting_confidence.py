from __future__ import annotations

import torch

from fbinpaint_mm.models.feedback import InpaintingConfidence, confidence_from_scale


def test_scale_has_image_size_and_a_floor():
    image = torch.randn(2, 3, 10, 14)
    network = InpaintingConfidence(base_channels=4, min_scale=0.2)
    torch.nn.init.constant_(network.layers[-1].bias, -60.0)

    scale = network(image, torch.ones(2, 1, 10, 14))

    assert scale.shape == (2, 1, 10, 14)
    assert scale.dtype == torch.float32
    torch.testing.assert_close(scale, torch.full_like(scale, 0.2))


def test_no_gradient_reaches_the_image():
    image = torch.randn(2, 3, 8, 8, requires_grad=True)
    network = InpaintingConfidence(base_channels=4)
    mask = (torch.rand(2, 1, 8, 8) > 0.5).float()

    (network(image, mask).sum() + 0 * image.sum()).backward()

    assert torch.equal(image.grad, torch.zeros_like(image))
    assert all(p.grad.abs().sum() > 0 for p in network.parameters())


def test_image_and_mask_are_both_read():
    network = InpaintingConfidence(base_channels=4)
    image, mask = torch.randn(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    before = network(image, mask)
    assert not torch.allclose(before, network(image + 1, mask))
    assert not torch.allclose(before, network(image, mask + 1))


def test_scale_is_float32_under_autocast():
    network = InpaintingConfidence(base_channels=4)
    with torch.autocast('cpu', torch.bfloat16):
        scale = network(torch.randn(1, 3, 8, 8), torch.ones(1, 1, 8, 8))
    assert scale.dtype == torch.float32


def test_confidence_by_hand():
    scale = torch.tensor([0.0, 0.25, 1.0, 1.7, 0.25, 1.7]).view(1, 1, 1, 6)
    mask = torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0, 0.0]).view(1, 1, 1, 6)
    expected = torch.tensor([1.0, 0.75, 0.0, 0.0, 1.0, 1.0]).view(1, 1, 1, 6)
    assert torch.equal(confidence_from_scale(scale, mask), expected)


def test_confidence_is_one_outside_the_hole_and_a_share_inside():
    mask = (torch.rand(2, 1, 8, 8) > 0.5).float()
    scale = torch.rand(2, 1, 8, 8) * 2 + 0.01
    confidence = confidence_from_scale(scale, mask)

    assert (confidence[mask == 0] == 1).all()
    inside = confidence[mask == 1]
    assert (inside >= 0).all()
    assert (inside < 1).all()
