from __future__ import annotations

import numpy as np
import pytest
import torch
from mmagic.registry import MODELS
from mmengine.runner.checkpoint import load_state_dict
from torch import Tensor, nn

from fbinpaint_mm.models.networks import (
    ModulatedResidualBlock,
    SemanticEmbedding,
    SemanticGuidedEncoderDecoder,
    SemanticModulation,
)
from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import guided_inputs

SMALL = dict(base_channels=4, dilations=(1, 2))


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


def test_encoding_is_what_all_rounds_share(guided):
    given = guided_inputs()
    semantic_map = given.pop('semantic_map')
    encoded = guided.encode(**given)
    for one in (semantic_map, semantic_map.flip(1)):
        assert torch.equal(guided.decode(encoded, one), guided(**given, semantic_map=one))


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
    with pytest.raises(UserError, match=message):
        guided(**guided_inputs(*size))


def test_base_channels_must_be_divisible_by_four():
    with pytest.raises(UserError, match='base_channels must be divisible by 4, got 6'):
        SemanticGuidedEncoderDecoder(base_channels=6)


@pytest.fixture
def initial() -> SemanticGuidedEncoderDecoder:
    """An initial network as if trained: its normalizations are not the identity either."""
    torch.manual_seed(3)
    network = SemanticGuidedEncoderDecoder(**SMALL)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return network


def load_by_torch(network: SemanticGuidedEncoderDecoder, state: dict[str, Tensor]) -> None:
    network.load_state_dict(state, strict=False)


LOADERS = [load_by_torch, load_state_dict]


@pytest.mark.parametrize('load', LOADERS)
@pytest.mark.parametrize('classes', [0, 3])
def test_a_guided_network_takes_over_an_initial_one(initial, classes, load):
    network = SemanticGuidedEncoderDecoder(num_classes=classes, guided=True, **SMALL)
    inputs = guided_inputs()
    if not classes:
        del inputs['semantic_map']
    expected = initial(inputs['masked_img'], inputs['mask'])
    assert not torch.allclose(network(**inputs), expected, atol=1e-2)
    state = initial.state_dict()
    given = {name: value.clone() for name, value in state.items()}
    load(network, state)
    assert state.keys() == given.keys()
    assert all(torch.equal(value, given[name]) for name, value in state.items())
    for name in inputs.keys() - {'masked_img', 'mask'}:
        changed = dict(inputs, **{name: inputs[name].flip(-1) * 0.5})
        for one in (inputs, changed):
            torch.testing.assert_close(network(**one), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('classes', [0, 3])
def test_an_initial_network_lacks_only_what_reads_the_map(initial, classes):
    network = SemanticGuidedEncoderDecoder(num_classes=classes, guided=True, **SMALL)
    found = network.load_state_dict(initial.state_dict(), strict=False)
    assert not found.unexpected_keys
    assert bool(found.missing_keys) == bool(classes)
    assert all(name.startswith('embeddings.') for name in found.missing_keys)


@pytest.mark.parametrize('load', LOADERS)
@pytest.mark.parametrize('classes', [0, 3])
def test_a_guided_network_loads_its_own_weights_as_they_are(classes, load):
    one, other = (
        SemanticGuidedEncoderDecoder(num_classes=classes, guided=True, **SMALL) for _ in range(2)
    )
    load(other, one.state_dict())
    assert one.state_dict().keys() == other.state_dict().keys()
    for name, value in other.state_dict().items():
        assert torch.equal(value, one.state_dict()[name]), name
    one.load_state_dict(other.state_dict(), strict=True)


def test_an_initial_network_loads_its_own_weights_as_they_are(initial):
    other = SemanticGuidedEncoderDecoder(**SMALL)
    other.load_state_dict(initial.state_dict(), strict=True)
    inputs = guided_inputs()
    inputs = dict(masked_img=inputs['masked_img'], mask=inputs['mask'])
    assert torch.equal(other(**inputs), initial(**inputs))


def test_a_guided_network_starts_from_the_checkpoint_of_an_inpaintor(initial, tmp_path):
    path = tmp_path / 'initial.pth'
    state = {f'generator.initial.{name}': value for name, value in initial.state_dict().items()}
    other = torch.zeros(())
    torch.save(dict(state_dict=state | {'generator.strength': other, 'disc.x': other}), path)
    source = dict(type='Pretrained', checkpoint=str(path), prefix='generator.initial')
    network = SemanticGuidedEncoderDecoder(num_classes=3, guided=True, init_cfg=source, **SMALL)
    network.init_weights()
    inputs = guided_inputs()
    expected = initial(inputs['masked_img'], inputs['mask'])
    torch.testing.assert_close(network(**inputs), expected, rtol=1e-5, atol=1e-5)


def test_a_copy_of_an_initial_network_learns_to_read_what_it_did_not(initial, guided):
    guided.load_state_dict(initial.state_dict(), strict=False)
    inputs, optimizer = guided_inputs(), torch.optim.SGD(guided.parameters(), lr=0.01)
    # The embeddings act through weights that start at 0.
    unreached = without_gradient(guided, **inputs)
    assert unreached
    assert all(name.startswith('embeddings.') for name in unreached)
    optimizer.step()
    optimizer.zero_grad()
    assert not without_gradient(guided, **inputs)
    for name in ('current', 'semantic_map', 'confidence'):
        changed = dict(inputs, **{name: inputs[name].flip(-1)})
        assert not torch.equal(guided(**inputs), guided(**changed)), name


@pytest.mark.parametrize('channels', [3, 5, 7, 9])
def test_the_stem_of_another_network_is_refused(guided, channels):
    state = guided.state_dict()
    name = 'stem.conv.conv.weight'
    shape = state[name].shape
    state[name] = torch.zeros(shape[0], channels, *shape[2:])
    with pytest.raises(RuntimeError, match=f'size mismatch for {name}'):
        guided.load_state_dict(state)


def test_map_is_reduced_by_area():
    semantic_map = torch.randn(2, 3, 8, 12).softmax(1)
    embedding = SemanticEmbedding(3, 5)
    embedding.layers = nn.Identity()

    found = embedding(semantic_map, 4)

    expected = semantic_map.reshape(2, 3, 2, 4, 3, 4).mean(dim=(3, 5))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found.sum(1), torch.ones(2, 2, 3))


def test_gives_the_channels_and_size_asked_for():
    embedding = SemanticEmbedding(3, 5)
    semantic_map = torch.randn(2, 3, 8, 12).softmax(1)
    for stride, size in ((1, (8, 12)), (2, (4, 6)), (4, (2, 3))):
        assert embedding(semantic_map, stride).shape == (2, 5, *size)


def test_depends_on_the_map_and_learns():
    embedding = SemanticEmbedding(3, 5)
    semantic_map = torch.randn(1, 3, 8, 8).softmax(1)
    found = embedding(semantic_map, 2)
    assert not torch.allclose(found, embedding(semantic_map.flip(1), 2))
    found.square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in embedding.parameters())


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


def test_without_semantics_an_affine_normalization():
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


def test_is_residual():
    block = ModulatedResidualBlock(8, 6)
    nn.init.zeros_(block.conv2.weight)
    nn.init.zeros_(block.conv2.bias)
    x = torch.randn(2, 8, 5, 7)
    assert torch.equal(block(x, torch.randn(2, 6, 5, 7)), x)


@pytest.mark.parametrize('dilation', [1, 3])
def test_reaches_as_far_as_its_dilation(dilation):
    block = ModulatedResidualBlock(4, 0, dilation)
    block.modulation1.norm = block.modulation2.norm = nn.Identity()  # it would mix all pixels
    x = torch.randn(1, 4, 15, 15)
    changed = x.clone()
    changed[..., 7, 7] += 1

    difference = (block(changed, None) - block(x, None)).abs().sum((0, 1))

    reach = dilation + 1
    touched = difference.nonzero()
    assert touched.amin().item() == 7 - reach
    assert touched.amax().item() == 7 + reach


def test_map_has_influence_and_all_parts_learn():
    block = ModulatedResidualBlock(8, 6)
    x, one, other = torch.randn(1, 8, 4, 4), torch.randn(1, 6, 4, 4), torch.randn(1, 6, 4, 4)
    assert not torch.allclose(block(x, one), block(x, other))
    block(x, one).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in block.parameters())


def test_without_semantics():
    block = ModulatedResidualBlock(8, 0)
    x = torch.randn(1, 8, 4, 4)
    found = block(x, None)
    assert found.shape == x.shape
    assert not torch.allclose(found, x)
