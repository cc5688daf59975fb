from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from fbinpaint_mm.lpips_network import build_lpips_network
from fbinpaint_mm.models.losses import LPIPSLoss
from fbinpaint_mm.user_error import UserError


def images(seed: int, size: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 3, size, size, generator=generator) * 2 - 1


@pytest.fixture(scope='module')
def loss_and_package():
    """A loss with random features, and the network of the package with the same ones."""
    loss = LPIPSLoss(loss_weight=3.0, downsample=2, weights='none', channel_order='rgb')
    return loss, build_lpips_network('vgg', 'none')


def test_it_is_the_distance_of_the_package_at_half_the_size(loss_and_package):
    loss, package = loss_and_package
    expected = package(F.avg_pool2d(images(1), 2), F.avg_pool2d(images(2), 2)).mean()
    found, style = loss(images(1), images(2))
    torch.testing.assert_close(found, 3 * expected)
    assert style is None
    assert loss(images(1), images(1))[0] == 0


def test_blue_and_red_change_places(loss_and_package):
    loss, _ = loss_and_package
    bgr = LPIPSLoss(loss_weight=3.0)
    bgr._frozen = loss._frozen
    torch.testing.assert_close(
        bgr(images(1).flip(1), images(2).flip(1)), loss(images(1), images(2))
    )


def test_targets_are_shared_and_only_the_image_learns(loss_and_package):
    loss, _ = loss_and_package
    image, target = images(1).requires_grad_(), images(2).requires_grad_()
    features = loss.features(images(2))
    assert all(not one.requires_grad for one in features)
    assert all(torch.allclose(one.norm(dim=1).amax(), torch.ones(())) for one in features)
    found, _ = loss(image, target)
    assert torch.equal(found, loss(image, features)[0])
    found.backward()
    assert image.grad.abs().sum() > 0
    assert target.grad is None


def test_its_network_is_no_part_of_the_model(loss_and_package):
    loss, _ = loss_and_package
    assert not loss.state_dict()
    assert not list(loss.parameters())


def test_it_computes_in_float32_under_autocast(loss_and_package):
    loss, _ = loss_and_package
    with torch.autocast('cpu', torch.bfloat16):
        found, _ = loss(images(1), images(2))
    torch.testing.assert_close(found, loss(images(1), images(2))[0], rtol=0, atol=0)


def test_settings_that_are_none_are_refused():
    with pytest.raises(UserError, match="channel_order: found 'hsv', expected 'bgr' or 'rgb'"):
        LPIPSLoss(channel_order='hsv')
    with pytest.raises(UserError, match='downsample: found 0, expected a whole number above 0'):
        LPIPSLoss(downsample=0)
