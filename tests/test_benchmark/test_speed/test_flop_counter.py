import pytest
import torch
from mmagic.registry import MODELS
from torch import nn

from fbinpaint_mm.benchmark.speed.flop_counter import count_flops


@pytest.fixture
def image():
    return torch.rand(2, 3, 10, 12)


def test_a_convolution_forward_and_backward(image):
    convolution = nn.Conv2d(3, 8, 3, padding=1)
    forward = 2 * (3 * 3 * 3) * 8 * (2 * 10 * 12)
    with torch.no_grad():
        assert count_flops(convolution, image) == forward
    image.requires_grad_()
    assert count_flops(lambda: convolution(image).sum().backward()) == 3 * forward


def test_layers_inside_modules_count_once(image):
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.ReLU(), nn.Conv2d(4, 1, 1)))
    with torch.no_grad():
        assert count_flops(model, image) == 2 * (3 * 4 + 4 * 1) * (2 * 10 * 12)


def test_matrix_products():
    assert count_flops(torch.matmul, torch.rand(3, 5), torch.rand(5, 7)) == 2 * 3 * 5 * 7


def test_a_gradient_penalty_counts(image):
    convolution = nn.Conv2d(3, 8, 3, padding=1)
    forward = 2 * (3 * 3 * 3) * 8 * (2 * 10 * 12)
    penalty = MODELS.build(dict(type='GradientPenaltyLoss'))
    flops = count_flops(lambda: penalty(convolution, image, image.flip(0)).backward())
    assert flops >= 3 * forward, 'forward, the gradient, and the gradient of that'


def test_two_counts_do_not_add_up(image):
    convolution = nn.Conv2d(3, 8, 1)
    assert count_flops(convolution, image) == count_flops(convolution, image)
