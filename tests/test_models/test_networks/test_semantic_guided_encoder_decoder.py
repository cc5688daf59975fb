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


def without_gradient(network: SemanticGuidedEncoderDecoder, **inputs: Tensor) -> list[str]:
    """Names of the parameters that one backward pass does not reach."""
    (network(**inputs) - 1).square().mean().backward()
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


def test_guided_predicts_the_whole_image(guided):
    torch.nn.init.zeros_(guided.to_image.weight)
    torch.nn.init.constant_(guided.to_image.bias, 0.25)
    assert torch.equal(guided(**guided_inputs()), torch.full((2, 3, 8, 12), 0.25))


def test_initial_needs_image_and_mask_only():
    network = SemanticGuidedEncoderDecoder(**SMALL)
    inputs = guided_inputs()
    inputs = dict(masked_img=inputs['masked_img'], mask=inputs['mask'])
    assert network(**inputs).shape == (2, 3, 8, 12)
    assert network(**inputs).std() > 0
    assert not without_gradient(network, **inputs)


def test_gradient_reaches_every_parameter(guided):
    assert not without_gradient(guided, **guided_inputs())


@pytest.mark.parametrize('name', ['masked_img', 'mask', 'current', 'semantic_map', 'confidence'])
def test_every_input_is_read(guided, name):
    inputs = guided_inputs()
    changed = dict(inputs, **{name: inputs[name].flip(-1)})
    assert not torch.allclose(guided(**inputs), guided(**changed), atol=1e-5)


def test_guided_without_classes():
    network = SemanticGuidedEncoderDecoder(num_classes=0, guided=True, **SMALL)
    inputs = guided_inputs()
    del inputs['semantic_map']
    assert network(**inputs).shape == (2, 3, 8, 12)
    assert not without_gradient(network, **inputs)


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
