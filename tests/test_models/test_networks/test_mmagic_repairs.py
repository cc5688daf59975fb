import pytest
import torch
from mmagic.models.editors.pconv import PConvEncoderDecoder
from mmagic.registry import MODELS
from mmengine.model import BaseModule
from mmengine.registry import DefaultScope
from torch import nn

from fbinpaint_mm.models.networks import PaddedPConvEncoderDecoder

SETTINGS = dict(in_channels=3, base_channels=16, num_conv=2)


class Model(BaseModule):
    """Initializes its discriminator as a Runner does: together with everything else."""

    def __init__(self, discriminator, **settings):
        super().__init__()
        self.disc = MODELS.build(dict(type=discriminator, **SETTINGS, **settings))


def convolutions(model):
    return [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]


def test_mmagics_own_cannot_be_initialized():
    """The reason for the class: where this test fails, mmagic has been repaired."""
    with pytest.raises(UnboundLocalError, match='init_info'):
        Model('SoftMaskPatchDiscriminator').init_weights()


def test_is_initialized_as_mmagic_means_to():
    model = Model('InitializablePatchDiscriminator', init_cfg=dict(type='normal', gain=0.3))
    model.init_weights()
    for layer in convolutions(model)[:-1]:
        assert layer.weight.detach().std() == pytest.approx(0.3, rel=0.1)
        assert layer.weight.detach().mean() == pytest.approx(0, abs=0.03)
    assert (convolutions(model)[-1].bias == 0).all()


def test_with_spectral_norm_it_scores_and_learns():
    model = Model('InitializablePatchDiscriminator', with_spectral_norm=True)
    model.init_weights()
    scores = model.disc(torch.randn(2, 3, 32, 32))
    scores.mean().backward()
    assert scores.isfinite().all()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_checkpoints_are_mmagics():
    ours, theirs = (
        Model(name).state_dict()
        for name in ('InitializablePatchDiscriminator', 'SoftMaskPatchDiscriminator')
    )
    assert {key: value.shape for key, value in ours.items()} == {
        key: value.shape for key, value in theirs.items()
    }


CHANNELS = 4


@pytest.fixture(scope='module')
def necks():
    """Ours and mmagic's, with the same weights."""
    with torch.random.fork_rng(), DefaultScope.overwrite_default_scope('mmagic'):
        torch.manual_seed(0)
        ours, theirs = (
            MODELS.build(dict(type=name, in_channels=CHANNELS)).eval()
            for name in ('FiniteAttentionNeck', 'ContextualAttentionNeck')
        )
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.fixture
def features():
    return torch.randn(2, CHANNELS, 16, 16, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_same_bits_as_mmagic_where_mmagic_is_finite(necks, features):
    ours, theirs = necks
    mask = torch.zeros(2, 1, 16, 16)
    mask[0, :, 2:9, 3:8] = 1
    for found, expected in zip(ours(features, mask), theirs(features, mask), strict=True):
        assert expected.isfinite().all()
        assert torch.equal(found, expected)


@torch.no_grad()
def test_a_hole_that_touches_every_patch(necks, features):
    ours, theirs = necks
    mask = torch.zeros(2, 1, 16, 16)
    mask[0, :, ::4, ::4] = 1
    mask[1, :, :4, :4] = 1
    broken, whole = theirs(features, mask)[0]
    assert broken.isnan().any()

    repaired, same = ours(features, mask)[0]

    assert torch.equal(same, whole)
    unmasked = theirs(features, torch.zeros_like(mask))[0][0]
    assert torch.equal(repaired, unmasked)


@torch.no_grad()
def test_features_may_be_channels_last(necks, features):
    ours, theirs = necks
    mask = torch.zeros(2, 1, 16, 16)
    mask[..., 2:9, 3:8] = 1
    given = features.to(memory_format=torch.channels_last)
    with pytest.raises(RuntimeError, match='view'):
        theirs(given, mask)
    torch.testing.assert_close(ours(given, mask)[0], theirs(features, mask)[0])


LAYERS = 5
PARTS = dict(
    encoder=dict(type='PConvEncoder', num_layers=LAYERS),
    decoder=dict(type='PConvDecoder', num_layers=LAYERS),
)


@pytest.fixture(scope='module')
def networks():
    """Ours and mmagic's, with the same weights."""
    with torch.random.fork_rng(), DefaultScope.overwrite_default_scope('mmagic'):
        torch.manual_seed(0)
        ours = MODELS.build(dict(type='PaddedPConvEncoderDecoder', **PARTS)).eval()
        theirs = MODELS.build(dict(type='PConvEncoderDecoder', **PARTS)).eval()
    assert isinstance(ours, PaddedPConvEncoderDecoder)
    assert isinstance(theirs, PConvEncoderDecoder)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def make_input(height, width):
    generator = torch.Generator().manual_seed(height)
    image = torch.rand(2, 3, height, width, generator=generator) * 2 - 1
    known = torch.ones(2, 3, height, width)
    known[..., 3:20, 5:17] = 0
    return image * known, known


@torch.no_grad()
def test_same_bits_as_mmagic_where_the_size_fits(networks):
    ours, theirs = networks
    for found, expected in zip(ours(*make_input(32, 64)), theirs(*make_input(32, 64)), strict=True):
        assert torch.equal(found, expected)


@torch.no_grad()
@pytest.mark.parametrize('size', [(33, 64), (24, 40)])
def test_other_sizes_are_padded_with_unknown_pixels(networks, size):
    ours, theirs = networks
    image, known = make_input(*size)
    with pytest.raises(RuntimeError):
        theirs(image, known)

    found, validity = ours(image, known)

    larger = [torch.zeros(2, 3, 64, 64) for _ in range(2)]
    for canvas, part in zip(larger, (image, known), strict=True):
        canvas[..., : size[0], : size[1]] = part
    larger = [canvas[..., : -(-size[0] // 32) * 32, :] for canvas in larger]
    expected, _ = theirs(*larger)
    assert found.shape == validity.shape == (2, 3, *size)
    assert torch.equal(found, expected[..., : size[0], : size[1]])
    assert found.isfinite().all()
