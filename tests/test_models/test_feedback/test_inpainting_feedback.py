from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from fbinpaint_mm.models.feedback import InpaintingFeedback

SIZES = [(4, 6), (16, 24), (5, 3)]
CHANNELS = [7, 2, 4]


@pytest.fixture
def signal(signal_for):
    return signal_for(torch.randn(2, 3, 16, 24))


def test_all_zero_at_initialisation(signal):
    summands = InpaintingFeedback(3, CHANNELS, base_channels=4)(signal, SIZES)

    assert [s.shape for s in summands] == [(2, 7, 4, 6), (2, 2, 16, 24), (2, 4, 5, 3)]
    assert all((s == 0).all() for s in summands)


def test_not_zero_after_one_optimiser_step(signal):
    feedback = InpaintingFeedback(3, CHANNELS, base_channels=4)
    optimiser = torch.optim.SGD(feedback.parameters(), lr=0.1)
    sum((s - 1).square().mean() for s in feedback(signal, SIZES)).backward()
    optimiser.step()

    summands = feedback(signal, SIZES)
    assert all(s.abs().amax() > 1e-3 for s in summands)

    optimiser.zero_grad()
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
    with pytest.raises(ValueError, match=message):
        InpaintingFeedback(3, [2], stride=stride)
