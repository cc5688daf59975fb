"""Losses and discriminators of mmagic in our model, by config alone."""

from __future__ import annotations

import pytest
import torch
import torchvision.models.vgg as vgg
from mmagic.models.losses import CharbonnierLoss, L1Loss, MaskedTVLoss, MSELoss, PerceptualLoss
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.config import Config
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import DefaultScope
from torch import nn

ADVERSARIES = {
    'vanilla': dict(type='PatchDiscriminator', in_channels=3, base_channels=4, num_conv=2),
    'lsgan': dict(type='UNetDiscriminatorWithSpectralNorm', in_channels=3, mid_channels=4),
    'wgan': dict(type='MultiLayerDiscriminator', in_channels=3, max_channels=8, num_convs=2),
    'hinge': dict(type='SoftMaskPatchDiscriminator', in_channels=3, base_channels=4, num_conv=2),
    'l1': dict(type='PatchDiscriminator', in_channels=3, base_channels=4, num_conv=2),
    'smgan': dict(type='SoftMaskPatchDiscriminator', in_channels=3, base_channels=4, num_conv=2),
}


@pytest.fixture
def build(repository):
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').model.to_dict()

    def make(**settings):
        torch.manual_seed(0)
        with DefaultScope.overwrite_default_scope('mmagic'):
            return MODELS.build(small | settings)

    return make


@pytest.fixture
def batch():
    torch.manual_seed(1)
    samples = []
    for _ in range(2):
        mask = torch.zeros(1, 16, 16)
        mask[:, 4:12, 6:14] = 1
        image = torch.randint(0, 256, (3, 16, 16), dtype=torch.uint8)
        samples.append(DataSample(gt_img=image, mask=mask, gt_seg=torch.randint(0, 5, (1, 16, 16))))
    inputs = [torch.where(one.mask > 0, 127.5, one.gt_img.float()) for one in samples]
    return dict(inputs=inputs, data_samples=samples)


def step(model, batch):
    parts = {name: getattr(model, name) for name in ('generator', 'disc')}
    wrapper = OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.SGD(part.parameters(), lr=1e-2))
            for name, part in parts.items()
            if part is not None
        }
    )
    before = {key: value.clone() for key, value in model.named_parameters()}
    losses = model.train_step(batch, wrapper)
    changed = {k for k, value in model.named_parameters() if not torch.equal(value, before[k])}
    return losses, changed


@pytest.mark.parametrize('gan_type', ADVERSARIES)
def test_every_adversary_learns_and_teaches(gan_type, build, batch):
    adapter = dict(
        type='MMagicDiscriminatorAdapter', view='image', discriminator=ADVERSARIES[gan_type]
    )
    gan = dict(type='GANLoss', gan_type=gan_type, loss_weight=0.1)
    settings = dict(loss_l1_hole=None, loss_l1_valid=None)  # the image learns from it alone
    losses, changed = step(build(disc=adapter, loss_gan=gan, **settings).train(), batch)
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    assert {'loss_gan', 'loss_disc', 'loss_disc_real', 'loss_disc_fake'} <= losses.keys()
    for part in ('disc.', 'generator.initial.', 'generator.guided.'):
        assert any(key.startswith(part) for key in changed), part


def test_several_discriminators_are_averaged(build, batch):
    kinds = [
        dict(type='MMagicDiscriminatorAdapter', view='image', discriminator=ADVERSARIES[kind])
        for kind in ('lsgan', 'hinge')
    ]
    gan = dict(type='GANLoss', gan_type='hinge', loss_weight=1.0)
    model = build(disc=kinds, loss_gan=gan).train()
    model.disc.eval()  # spectral normalisation refines its estimate at every look in training
    data = model.data_preprocessor(batch, True)
    results = model.generator(data['inputs'], data['data_samples'].mask, 2)
    found = model.generator_losses(results, data['data_samples'], None)['loss_gan']
    composites = torch.cat([result.composite for result in results])
    masks = data['data_samples'].mask.repeat(3, 1, 1, 1)
    judged = model.disc(torch.cat([composites, masks], 1))
    torch.testing.assert_close(found, -(judged[0].mean() + judged[1].mean()) / 2)
    losses, changed = step(model, batch)
    for index in (0, 1):
        assert any(key.startswith(f'disc.discriminators.{index}.') for key in changed)
    assert 'loss_disc' in losses


@pytest.mark.parametrize('kind', [L1Loss, MSELoss, CharbonnierLoss])
def test_pixel_losses_are_mmagics(kind, build, batch):
    config = dict(type=kind.__name__, loss_weight=2.0)
    model = build(loss_l1_hole=config, loss_l1_valid=config).train()
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
    model = build(loss_tv=dict(type='MaskedTVLoss', loss_weight=0.1)).train()
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
    model = build(loss_perceptual=dict(type='PerceptualLoss', **settings)).train()
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
