from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from fbinpaint_mm.models.feedback import (
    InpaintingConfidence,
    InpaintingFeedback,
    confidence_from_scale,
)
from fbinpaint_mm.user_error import UserError

SIZES = [(4, 6), (16, 24), (5, 3)]
CHANNELS = [7, 2, 4]


@pytest.fixture
def signal(signal_for):
    return signal_for(torch.randn(2, 3, 16, 24))


def test_all_zero_at_initialization(signal):
    summands = InpaintingFeedback(3, CHANNELS, base_channels=4)(signal, SIZES)

    assert [s.shape for s in summands] == [(2, 7, 4, 6), (2, 2, 16, 24), (2, 4, 5, 3)]
    assert all((s == 0).all() for s in summands)


def test_not_zero_after_one_optimizer_step(signal):
    feedback = InpaintingFeedback(3, CHANNELS, base_channels=4)
    optimizer = torch.optim.SGD(feedback.parameters(), lr=0.1)
    sum((s - 1).square().mean() for s in feedback(signal, SIZES)).backward()
    optimizer.step()

    summands = feedback(signal, SIZES)
    assert all(s.abs().amax() > 1e-3 for s in summands)

    optimizer.zero_grad()
    sum((s - 1).square().mean() for s in summands).backward()
    assert all(p.grad.abs().sum() > 0 for p in feedback.parameters())


@pytest.mark.parametrize('stride', [1, 2, 4, 8])
def test_encoder_works_at_its_stride(signal, stride):
    feedback = InpaintingFeedback(3, CHANNELS, base_channels=4, stride=stride)
    code = feedback.encoder(torch.cat(signal.planes(), dim=1))
    assert code.shape == (2, 4, 16 // stride, 24 // stride)
    assert [s.shape[-2:] for s in feedback(signal, SIZES)] == SIZES


@pytest.mark.parametrize('plane', ['current', 'mask', 'confidence', 'previous_map'])
def test_every_part_of_the_signal_is_read(signal, plane):
    feedback = InpaintingFeedback(3, [2], base_channels=4)
    nn.init.normal_(feedback.projections[0].weight)
    (before,) = feedback(signal, [(4, 6)])
    changed = dataclasses.replace(signal, **{plane: getattr(signal, plane) + 1})
    (after,) = feedback(changed, [(4, 6)])
    assert not torch.allclose(before, after)


@pytest.mark.parametrize('stride', [0, 3, 16])
def test_other_strides_are_refused(stride):
    message = f'stride of InpaintingFeedback must be 1, 2, 4 or 8, got {stride}'
    with pytest.raises(UserError, match=message):
        InpaintingFeedback(3, [2], stride=stride)


def test_scale_has_image_size_and_a_floor():
    image = torch.randn(2, 3, 10, 14)
    network = InpaintingConfidence(base_channels=4)
    torch.nn.init.constant_(network.layers[-1].bias, -60.0)

    scale = network(image, torch.ones(2, 1, 10, 14))

    assert scale.shape == (2, 1, 10, 14)
    assert scale.dtype == torch.float32
    torch.testing.assert_close(scale, torch.full_like(scale, 0.01))


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


def test_planes_are_image_mask_confidence_and_map(signal_for):
    signal = signal_for(torch.randn(2, 3, 4, 5))
    planes = torch.cat(signal.planes(), dim=1)

    assert planes.shape == (2, 3 + 1 + 1 + 3, 4, 5)
    assert torch.equal(planes[:, :3], signal.current)
    assert torch.equal(planes[:, 3:4], signal.mask)
    assert torch.equal(planes[:, 4:5], signal.confidence)
    assert torch.equal(planes[:, 5:], signal.previous_map)


def test_one_feature_map_may_be_given_as_a_number(signal):
    (summand,) = InpaintingFeedback(3, 7, base_channels=4)(signal, [(4, 6)])
    assert summand.shape == (2, 7, 4, 6)
