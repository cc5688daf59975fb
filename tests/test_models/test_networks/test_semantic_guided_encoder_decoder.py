from __future__ import annotations

import pytest
import torch
from mmagic.registry import MODELS
from torch import Tensor

from fbinpaint_mm.models.networks import SemanticGuidedEncoderDecoder

SMALL = dict(base_channels=4, dilations=(1, 2))


def guided_inputs(h: int = 8, w: int = 12, classes: int = 3) -> dict[str, Tensor]:
    mask = (torch.rand(2, 1, h, w) > 0.5).float()
    image = torch.rand(2, 3, h, w) * 2 - 1
    return dict(
        masked_img=image * (1 - mask),
        mask=mask,
        current=image,
        semantic_map=torch.randn(2, classes, h, w).softmax(1),
        confidence=torch.rand(2, 1, h, w),
    )


def train(network: SemanticGuidedEncoderDecoder, inputs: dict[str, Tensor], steps: int) -> None:
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    target = torch.rand_like(inputs['masked_img'])
    for _ in range(steps):
        optimiser.zero_grad()
        (network(**inputs) - target).square().mean().backward()
        optimiser.step()
    network.zero_grad()
    (network(**inputs) - target).square().mean().backward()


def without_gradient(network: SemanticGuidedEncoderDecoder) -> list[str]:
    return [
        name
        for name, p in network.named_parameters()
        if p.grad is None or p.grad.abs().sum() == 0 or not p.grad.isfinite().all()
    ]


@pytest.fixture
def guided() -> SemanticGuidedEncoderDecoder:
    return SemanticGuidedEncoderDecoder(num_classes=3, guided=True, **SMALL)


def test_is_registered_in_mmagic():
    config = dict(type='SemanticGuidedEncoderDecoder', num_classes=3, guided=True, **SMALL)
    assert isinstance(MODELS.build(config), SemanticGuidedEncoderDecoder)


def test_guided_starts_by_changing_nothing(guided):
    inputs = guided_inputs()
    assert torch.equal(guided(**inputs), inputs['current'])


def test_guided_predicts_a_residual(guided):
    inputs = guided_inputs()
    torch.nn.init.constant_(guided.to_image.bias, 0.25)
    torch.testing.assert_close(guided(**inputs), inputs['current'] + 0.25)


def test_initial_needs_image_and_mask_only():
    network = SemanticGuidedEncoderDecoder(**SMALL)
    inputs = guided_inputs()
    image = network(inputs['masked_img'], inputs['mask'])
    assert image.shape == (2, 3, 8, 12)
    assert image.std() > 0
    image.square().mean().backward()
    assert not without_gradient(network)


def test_gradient_reaches_every_parameter_within_two_steps(guided):
    # Two zero-initialised layers lie in a row: the last one, and the modulation by the map.
    train(guided, guided_inputs(), steps=2)
    assert not without_gradient(guided)


def test_map_has_influence_once_trained(guided):
    inputs = guided_inputs()
    other = dict(inputs, semantic_map=inputs['semantic_map'].flip(1))
    torch.nn.init.normal_(guided.to_image.weight)
    assert torch.equal(guided(**inputs), guided(**other))
    train(guided, inputs, steps=1)
    assert not torch.allclose(guided(**inputs), guided(**other))


@pytest.mark.parametrize('name', ['masked_img', 'mask', 'current', 'semantic_map', 'confidence'])
def test_every_input_is_read(guided, name):
    for parameter in guided.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter)
    inputs = guided_inputs()
    changed = dict(inputs, **{name: inputs[name].flip(-1)})
    # The residual: `current` would have an influence in any case.
    before, after = (guided(**each) - each['current'] for each in (inputs, changed))
    assert not torch.allclose(before, after, atol=1e-4)


def test_guided_without_classes():
    network = SemanticGuidedEncoderDecoder(num_classes=0, guided=True, **SMALL)
    inputs = guided_inputs()
    del inputs['semantic_map']
    assert torch.equal(network(**inputs), inputs['current'])
    train(network, inputs, steps=2)
    assert not without_gradient(network)


@pytest.mark.parametrize(
    ('size', 'fits'), [((30, 45), '32x48'), ((8, 13), '8x16'), ((9, 8), '12x8')]
)
def test_size_that_does_not_fit_names_the_next_that_does(guided, size, fits):
    message = (
        rf'image size {size[0]}x{size[1]} \(height x width\) must be divisible by 4; '
        f'pad it to {fits}$'
    )
    with pytest.raises(ValueError, match=message):
        guided(**guided_inputs(*size))


def test_base_channels_must_be_divisible_by_four():
    with pytest.raises(ValueError, match='base_channels must be divisible by 4, got 6'):
        SemanticGuidedEncoderDecoder(base_channels=6)
