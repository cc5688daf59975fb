from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmagic.registry import MODELS

from fbinpaint_mm.models.networks import MIGANEncoderDecoder
from fbinpaint_mm.models.networks.migan_encoder_decoder import (
    MapModulation,
    double,
    halve,
    tiled,
)
from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import (
    PREPROCESSOR,
    all_finite,
    guided_inputs,
    make_batch,
    train,
)

SMALL = dict(channels=(4, 6, 8), noise_size=16, embedding_channels=2)


def with_noise(network: MIGANEncoderDecoder) -> MIGANEncoderDecoder:
    for name, noise in network.named_buffers():
        noise.normal_()
        assert name.endswith('noise')
    return network


@pytest.fixture
def initial() -> MIGANEncoderDecoder:
    return with_noise(MIGANEncoderDecoder(**SMALL)).eval()


@pytest.fixture
def guided(initial) -> MIGANEncoderDecoder:
    network = MIGANEncoderDecoder(num_classes=3, guided=True, **SMALL)
    missing, unknown = network.load_state_dict(initial.state_dict(), strict=False)
    assert {name.split('.')[0] for name in missing} == {'modulation'}
    assert not unknown
    return network.eval()


def test_is_registered_in_mmagic():
    config = dict(type='MIGANEncoderDecoder', num_classes=3, guided=True, **SMALL)
    assert isinstance(MODELS.build(config), MIGANEncoderDecoder)


def test_default_is_the_published_size():
    network = MIGANEncoderDecoder()
    assert sum(p.numel() for p in network.parameters()) == 5_893_144
    assert network.size_divisor == 128


def test_guided_starts_as_the_initial_network_bit_for_bit(initial, guided):
    given = guided_inputs()
    image = initial(given['masked_img'], given['mask'])
    assert image.shape == (2, 3, 8, 12)
    assert torch.equal(guided(**given), image)


@pytest.mark.parametrize('name', ['current', 'semantic_map', 'confidence'])
def test_guided_reads_what_it_did_not_read_at_the_start(guided, name):
    for parameter in guided.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    given = guided_inputs()
    changed = dict(given, **{name: given[name].roll(1, dims=-1)})
    assert not torch.equal(guided(**given), guided(**changed))


def test_every_parameter_learns(guided):
    (guided(**guided_inputs()) - 1).square().mean().backward()
    unreached = [name for name, p in guided.named_parameters() if not p.grad.abs().sum() > 0]
    # Behind weights that are still 0; they get gradients after the first step.
    assert all(name.endswith(('embedding.weight', 'embedding.bias')) for name in unreached)


def test_modulation_scales_and_shifts_from_no_effect_on():
    layer, x = MapModulation(3, 4, 2).double(), torch.randn(2, 4, 5, 6).double()
    semantic_map = torch.rand(2, 3, 5, 6).double()
    assert torch.equal(layer(x, semantic_map), x)
    torch.nn.init.normal_(layer.gamma.weight)
    torch.nn.init.normal_(layer.beta.weight)
    code = F.leaky_relu(layer.embedding(semantic_map), 0.2)
    expected = x * (1 + F.conv2d(code, layer.gamma.weight)) + F.conv2d(code, layer.beta.weight)
    torch.testing.assert_close(layer(x, semantic_map), expected)


def test_encoding_is_what_all_rounds_share(guided):
    given = guided_inputs()
    semantic_map = given.pop('semantic_map')
    torch.nn.init.normal_(guided.modulation[0].gamma.weight)
    encoded = guided.encode(**given)
    for one in (semantic_map, semantic_map.flip(1)):
        assert torch.equal(guided.decode(encoded, one), guided(**given, semantic_map=one))


def test_differences_of_images_do_not_fade_in_a_new_network():
    torch.manual_seed(0)
    network = MIGANEncoderDecoder(channels=[16] * 3, noise_size=0)
    images, mask = torch.rand(2, 4, 3, 32, 32) * 2 - 1, torch.zeros(4, 1, 32, 32)
    one, other = (network.encode(image, mask) for image in images)
    spread = [(a - b).std() for a, b in zip(one, other, strict=True)]
    assert spread[-1] > 0.01 * spread[0]


def test_other_sizes_are_refused(initial):
    with pytest.raises(UserError, match=r'10x12 .* divisible by 4; pad it to 12x12'):
        initial(torch.zeros(1, 3, 10, 12), torch.zeros(1, 1, 10, 12))


@pytest.mark.parametrize('wrong', [dict(channels=(4,)), dict(channels=(4, 4, 4), noise_size=6)])
def test_wrong_scales_are_refused(wrong):
    with pytest.raises(UserError, match='expected two scales or more'):
        MIGANEncoderDecoder(**wrong)


def test_halving_is_the_binomial_filter():
    x = torch.rand(1, 2, 6, 8)
    line = np.array([1, 3, 3, 1]) / 8
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    rows = sum(line[k] * padded[:, :, k : k + 6 : 2] for k in range(4))
    expected = sum(line[k] * rows[..., k : k + 8 : 2] for k in range(4))
    np.testing.assert_allclose(halve(x), expected, rtol=1e-5)


def test_doubling_is_linear_interpolation_into_zeros():
    x = torch.rand(1, 2, 3, 5)
    larger = F.interpolate(F.pad(x, (1, 1, 1, 1)), scale_factor=2, mode='bilinear')
    torch.testing.assert_close(double(x), larger[..., 2:-2, 2:-2])


def test_noise_is_cut_or_repeated():
    noise = torch.arange(16.0).view(1, 1, 4, 4)
    cut = tiled(noise, torch.zeros(1, 1, 2, 3))
    assert torch.equal(cut, noise[..., :2, :3])
    repeated = tiled(noise, torch.zeros(1, 1, 8, 6))
    assert torch.equal(repeated, noise.repeat(1, 1, 2, 2)[..., :6])


def test_channels_last_gives_the_same_image(guided):
    given = guided_inputs()
    expected = guided(**given)
    guided.to(memory_format=torch.channels_last)
    torch.testing.assert_close(guided(**given), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('channels', [(4, 4), (12, 8, 4), (2, 3, 5, 7, 11)])
def test_any_widths_and_number_of_scales(channels):
    network = MIGANEncoderDecoder(num_classes=3, guided=True, channels=channels, noise_size=32)
    assert network.size_divisor == 2 ** (len(channels) - 1)
    image = network(**guided_inputs(h=16, w=48))
    assert image.shape == (2, 3, 16, 48)
    assert image.std() > 0


def test_an_inpaintor_pads_images_of_any_size(build):
    network = dict(type='MIGANEncoderDecoder', **SMALL)
    model = build(
        dict(initial=network, guided=network),
        data_preprocessor=dict(PREPROCESSOR, pad_size_divisor=4),
    )
    batch = make_batch(size=(10, 13))
    assert all_finite(train(model, batch))
    for sample in model.eval().val_step(make_batch(size=(10, 13))):
        known = (sample.mask == 0).expand(3, -1, -1)
        predicted = sample.output.round_imgs
        assert predicted.shape == (3, 3, 10, 13)
        assert torch.equal(predicted[:, known], sample.gt_img[known].float().expand(3, -1))


def test_half_precision_stays_finite(guided):
    with torch.autocast('cpu', torch.bfloat16):
        assert guided(**guided_inputs()).isfinite().all()
