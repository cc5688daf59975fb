from __future__ import annotations

import pytest
import torch
from mmagic.models.losses import GANLoss
from torch import nn

from fbinpaint_mm.models.losses import AdversarialLoss

GAN_TYPES = ('vanilla', 'lsgan', 'wgan', 'hinge', 'l1', 'smgan')


class TwoOutputs(nn.Module):
    """A discriminator with two outputs, nested, of which the second has half the size."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(4, 1, 3, padding=1)
        self.seen = []

    def forward(self, x):
        self.seen.append(x.detach())
        scores = self.layer(x)
        return [scores, (nn.functional.avg_pool2d(scores, 2).square(),)]


@pytest.fixture
def disc():
    return TwoOutputs()


@pytest.fixture
def images():
    """Real images, two rounds of inpainted ones, and their mask."""
    mask = torch.zeros(2, 1, 8, 8)
    mask[..., 2:6, 3:7] = 1
    return torch.randn(2, 3, 8, 8), list(torch.randn(2, 2, 3, 8, 8).requires_grad_()), mask


def expected_loss(gan_type, disc, images, mask, is_real, is_disc):
    """Mean over the outputs of mmagic's loss."""
    gan = GANLoss(gan_type, loss_weight=0.3)
    large, (small,) = disc(torch.cat([images, mask], 1))
    return (gan(large, is_real, is_disc, mask) + gan(small, is_real, is_disc, mask)) / 2


@pytest.mark.parametrize('gan_type', GAN_TYPES)
def test_mean_of_mmagics_loss_over_all_outputs(gan_type, disc, images):
    real, composites, mask = images
    loss = AdversarialLoss(dict(type='GANLoss', gan_type=gan_type, loss_weight=0.3))
    of_disc = loss.of_discriminator(disc, real, composites, mask)
    of_generator = loss.of_generator(disc, composites, mask)
    fakes, masks = torch.cat(composites), mask.repeat(2, 1, 1, 1)
    torch.testing.assert_close(
        of_disc,
        dict(
            loss_disc_real=expected_loss(gan_type, disc, real, mask, True, True),
            loss_disc_fake=expected_loss(gan_type, disc, fakes, masks, False, True),
        ),
    )
    torch.testing.assert_close(
        of_generator, expected_loss(gan_type, disc, fakes, masks, True, False)
    )


def test_one_pass_shows_the_discriminator_real_images_and_all_rounds(disc, images):
    real, composites, mask = images
    loss = AdversarialLoss(dict(type='GANLoss', gan_type='hinge'))
    loss.of_discriminator(disc, real, composites, mask)
    (seen,) = disc.seen
    assert torch.equal(seen[:, :3], torch.cat([real, *composites]))
    assert torch.equal(seen[:, 3:], mask.repeat(3, 1, 1, 1))


def test_each_side_learns_from_its_own_loss(disc, images):
    real, composites, mask = images
    loss = AdversarialLoss(dict(type='GANLoss', gan_type='hinge'))
    loss.of_generator(disc, composites, mask).backward()
    assert disc.layer.weight.grad is None
    assert disc.layer.weight.requires_grad
    assert all(
        x is not None
        for x in torch.autograd.grad(loss.of_generator(disc, composites, mask), composites)
    )
    sum(
        loss.of_discriminator(disc, real, [c.detach() for c in composites], mask).values()
    ).backward()
    assert disc.layer.weight.grad.any()


def test_outputs_in_half_precision_are_compared_in_float32(disc, images):
    real, composites, mask = images
    loss = AdversarialLoss(dict(type='GANLoss', gan_type='lsgan'))
    with torch.autocast('cpu', torch.bfloat16):
        found = loss.of_discriminator(disc, real, composites, mask)
    assert all(value.dtype == torch.float32 for value in found.values())
