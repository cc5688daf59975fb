"""Losses and discriminators of mmagic in our model, by config alone."""

from __future__ import annotations

import pytest
import torch
import torchvision.models.vgg as vgg
from mmagic.models.losses import CharbonnierLoss, L1Loss, MaskedTVLoss, MSELoss, PerceptualLoss
from mmengine.registry import DefaultScope
from torch import nn

from tests.test_models.small_model import all_finite, make_batch, parameters_of, train

ADVERSARIES = {
    'vanilla': dict(type='PatchDiscriminator', in_channels=3, base_channels=4, num_conv=2),
    'lsgan': dict(type='UNetDiscriminatorWithSpectralNorm', in_channels=3, mid_channels=4),
    'wgan': dict(type='MultiLayerDiscriminator', in_channels=3, max_channels=8, num_convs=2),
    'hinge': dict(type='SoftMaskPatchDiscriminator', in_channels=3, base_channels=4, num_conv=2),
    'l1': dict(type='PatchDiscriminator', in_channels=3, base_channels=4, num_conv=2),
    'smgan': dict(type='SoftMaskPatchDiscriminator', in_channels=3, base_channels=4, num_conv=2),
}


@pytest.fixture(autouse=True)
def _mmagic_scope():
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


@pytest.fixture
def batch():
    return make_batch((True, True))


def step(model, batch):
    before = parameters_of(model)
    losses = train(model, batch, lr=1e-2)
    changed = {k for k, value in model.named_parameters() if not torch.equal(value, before[k])}
    return losses, changed


@pytest.mark.parametrize('gan_type', ADVERSARIES)
def test_every_adversary_learns_and_teaches(gan_type, build, batch):
    adapter = dict(
        type='MMagicDiscriminatorAdapter', view='image', discriminator=ADVERSARIES[gan_type]
    )
    gan = dict(type='GANLoss', gan_type=gan_type, loss_weight=0.1)
    losses = dict(gan=gan, l1_hole=None, l1_valid=None)  # the image learns from it alone
    losses, changed = step(build(losses=losses, disc=adapter).train(), batch)
    assert all_finite(losses)
    assert {'loss_gan', 'loss_disc', 'loss_disc_real', 'loss_disc_fake'} <= losses.keys()
    for part in ('disc.', 'generator.initial.', 'generator.guided.'):
        assert any(key.startswith(part) for key in changed), part


def test_several_discriminators_are_averaged(build, batch):
    kinds = [
        dict(type='MMagicDiscriminatorAdapter', view='image', discriminator=ADVERSARIES[kind])
        for kind in ('lsgan', 'hinge')
    ]
    gan = dict(type='GANLoss', gan_type='hinge', loss_weight=1.0)
    model = build(losses=dict(gan=gan), disc=kinds).train()
    model.disc.eval()  # spectral normalization refines its estimate at every pass in training
    data = model.data_preprocessor(batch, True)
    results = model.generator(data['inputs'], data['data_samples'].mask, 2)
    found = model.generator_losses(results, data['data_samples'], None)['loss_gan']
    composites = torch.cat([result.composite for result in results])
    masks = data['data_samples'].mask.repeat(3, 1, 1, 1)
    scores = model.disc(torch.cat([composites, masks], 1))
    torch.testing.assert_close(found, -(scores[0].mean() + scores[1].mean()) / 2)
    losses, changed = step(model, batch)
    for index in (0, 1):
        assert any(key.startswith(f'disc.discriminators.{index}.') for key in changed)
    assert 'loss_disc' in losses


@pytest.mark.parametrize('kind', [L1Loss, MSELoss, CharbonnierLoss])
def test_pixel_losses_are_mmagics(kind, build, batch):
    config = dict(type=kind.__name__, loss_weight=2.0)
    model = build(losses=dict(l1_hole=config, l1_valid=config)).train()
    data = model.data_preprocessor(batch, True)
    results = model.generator(data['inputs'], data['data_samples'].mask, 1)
    losses = model.generator_losses(results, data['data_samples'], None)
    target, mask = data['data_samples'].gt_img, data['data_samples'].mask
    for index, result in enumerate(results):
        expected = kind(loss_weight=2.0)(result.raw, target, weight=mask)
        torch.testing.assert_close(losses[f'round{index}_loss_l1_hole'], expected)
        expected = kind(loss_weight=2.0)(result.raw, target, weight=1 - mask)
        torch.testing.assert_close(losses[f'round{index}_loss_l1_valid'], expected)


def test_total_variation_is_mmagics_on_the_composite(build, batch):
    model = build(losses=dict(tv=dict(type='MaskedTVLoss', loss_weight=0.1))).train()
    data = model.data_preprocessor(batch, True)
    results = model.generator(data['inputs'], data['data_samples'].mask, 2)
    losses = model.generator_losses(results, data['data_samples'], None)
    for index, result in enumerate(results):
        expected = MaskedTVLoss(0.1)(result.composite, data['data_samples'].mask)
        torch.testing.assert_close(losses[f'round{index}_loss_tv'], expected)
        assert expected > 0
    step(model, batch)


@pytest.fixture
def random_vgg(monkeypatch):
    """Instead of torchvision's download: three convolutions of its VGG16, random."""

    class Short(nn.Module):
        def __init__(self, pretrained: bool) -> None:
            super().__init__()
            assert pretrained
            torch.manual_seed(2)
            self.features = vgg.make_layers([64, 64, 'M', 128])

    monkeypatch.setattr(vgg, 'vgg16', Short)


@pytest.mark.usefixtures('random_vgg')
@pytest.mark.parametrize(('perceptual', 'style'), [(0.1, 10.0), (0, 10.0), (0.1, 0)])
def test_perceptual_and_style_loss_are_mmagics(perceptual, style, build, batch):
    settings = dict(
        layer_weights={'3': 1.0, '6': 0.5},
        vgg_type='vgg16',
        pretrained='torchvision://vgg16',
        perceptual_weight=perceptual,
        style_weight=style,
    )
    model = build(losses=dict(perceptual=dict(type='PerceptualLoss', **settings))).train()
    data = model.data_preprocessor(batch, True)
    results = model.generator(data['inputs'], data['data_samples'].mask, 1)
    losses = model.generator_losses(results, data['data_samples'], None)
    theirs = PerceptualLoss(**settings)
    for index, result in enumerate(results):
        found = [losses.get(f'round{index}_loss_{name}') for name in ('perceptual', 'style')]
        expected = theirs(result.composite, data['data_samples'].gt_img)
        assert [one is None for one in found] == [perceptual == 0, style == 0]
        for one, other in zip(found, expected, strict=True):
            if one is not None:
                torch.testing.assert_close(one, other)
    _, changed = step(model, batch)
    assert not any(key.startswith('losses.') for key in changed), 'the VGG is frozen'
