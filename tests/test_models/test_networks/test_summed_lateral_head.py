from __future__ import annotations

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.registry import DefaultScope
from torch import nn

from fbinpaint_mm.models.networks import SummedLateralHead


@pytest.fixture
def head():
    torch.manual_seed(0)
    config = dict(in_channels=[2, 3], in_index=[0, 2], channels=4, num_classes=5)
    with DefaultScope.overwrite_default_scope('mmseg'):
        head = MODELS.build(dict(type='mmagic.SummedLateralHead', dropout_ratio=0.0, **config))
    assert isinstance(head, SummedLateralHead)
    return head


def set_all(convolution, value):
    nn.init.constant_(convolution.weight, value)
    nn.init.zeros_(convolution.bias)


def test_hand_computed_sum(head):
    for lateral, value in zip(head.laterals, (1.0, 10.0), strict=True):
        set_all(lateral, value)
    # The 3x3 convolution hands every channel on; the classifier sums them, times the class.
    nn.init.dirac_(head.fusion_conv.conv.weight)
    nn.init.zeros_(head.fusion_conv.conv.bias)
    set_all(head.conv_seg, 1.0)
    head.conv_seg.weight.data *= torch.arange(5.0).view(5, 1, 1, 1)
    fine = torch.arange(8.0).view(1, 1, 2, 4).expand(1, 2, 2, 4)
    coarse = torch.tensor([1.0, 3.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)

    logits = head([fine, torch.full((1, 9, 7, 7), torch.nan), coarse])

    enlarged = torch.tensor([1.0, 1.5, 2.5, 3.0])  # bilinear, pixel centres
    summed = 2 * torch.arange(8.0).view(2, 4) + 3 * 10 * enlarged
    torch.testing.assert_close(logits[0], torch.arange(5.0).view(5, 1, 1) * 4 * summed)


def test_every_parameter_learns(head):
    maps = [torch.randn(2, 2, 9, 7), torch.randn(2, 1, 3, 3), torch.randn(2, 3, 5, 4)]
    logits = head(maps)
    assert logits.shape == (2, 5, 9, 7)
    logits.square().sum().backward()
    assert all(parameter.grad.any() for parameter in head.parameters())
