from __future__ import annotations

import copy
import logging
from types import SimpleNamespace
from urllib.error import URLError

import pytest
import torch
import torch.nn.functional as F
from mmagic.models.losses import PerceptualLoss
from mmagic.registry import MODELS
from mmengine.model import BaseModule
from torch import nn
from torchvision.models import VGG16_Weights, vgg

from fbinpaint_mm import pretrained_features
from fbinpaint_mm.models.losses.vgg_perceptual_loss import VGGPerceptualLoss
from fbinpaint_mm.user_error import UserError


def images(seed: int, size: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 3, size, size, generator=generator) * 2 - 1


@pytest.fixture(scope='module')
def vgg_features() -> nn.Sequential:
    """torchvision's VGG16 features up to relu2_2, random."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return vgg.make_layers(vgg.cfgs['D'])[:9].eval()


@pytest.fixture(scope='module')
def weight_file(vgg_features, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'vgg16_features_torchvision.pth'
    torch.save({f'features.{k}': v for k, v in vgg_features.state_dict().items()}, path)
    return path


@pytest.mark.parametrize('style_layers', [None, {'2': 0.3, '7': 2.0}])
def test_same_numbers_as_mmagic(vgg_features, weight_file, monkeypatch, style_layers):
    monkeypatch.setattr(
        vgg, 'vgg16', lambda pretrained: SimpleNamespace(features=copy.deepcopy(vgg_features))
    )
    settings = {
        'layer_weights': {'3': 0.5, '8': 1.5},
        'layer_weights_style': style_layers,
        'perceptual_weight': 0.05,
        'style_weight': 120,
    }
    theirs = PerceptualLoss(vgg_type='vgg16', pretrained='torchvision://vgg16', **settings)
    ours = VGGPerceptualLoss(weights=str(weight_file), channel_order='rgb', **settings)

    torch.testing.assert_close(ours(images(1), images(2)), theirs(images(1), images(2)))


def test_hand_computed_first_layers(vgg_features, weight_file):
    loss = VGGPerceptualLoss({'1': 2.0}, weights=str(weight_file), style_weight=3.0)

    def first_activation(bgr: torch.Tensor) -> torch.Tensor:
        rgb = (bgr[:, [2, 1, 0]] + 1) / 2
        mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
        conv = vgg_features[0]
        return F.conv2d((rgb - mean) / std, conv.weight, conv.bias, padding=1).clamp(min=0)

    x, y = first_activation(images(1)), first_activation(images(2))
    gram_x, gram_y = (torch.einsum('nchw,ndhw->ncd', a, a) / (64 * 16 * 16) for a in (x, y))

    perceptual, style = loss(images(1), images(2))

    torch.testing.assert_close(perceptual, 2 * (x - y).abs().mean())
    torch.testing.assert_close(style, 3 * 2 * (gram_x - gram_y).abs().mean())


def test_channel_order_is_converted(weight_file):
    bgr = VGGPerceptualLoss({'3': 1}, weights=str(weight_file))
    rgb = VGGPerceptualLoss({'3': 1}, weights=str(weight_file), channel_order='rgb')

    assert bgr(images(1), images(2)) == rgb(images(1).flip(1), images(2).flip(1))
    assert bgr(images(1), images(2))[0] != rgb(images(1), images(2))[0]


def test_default_layers_are_the_documented_relus():
    loss = VGGPerceptualLoss(weights='none')
    channels = {name: a.shape[1:] for name, a in loss.features(images(1)).items()}
    assert channels == {
        **{'3': (64, 16, 16), '8': (128, 8, 8), '15': (256, 4, 4)},
        **{'gram of 3': (64, 64), 'gram of 8': (128, 128), 'gram of 15': (256, 256)},
    }
    assert isinstance(loss._frozen[0][15], nn.ReLU)


def test_network_is_frozen_and_hidden(weight_file):
    class Model(BaseModule):
        def __init__(self):
            super().__init__()
            self.loss = MODELS.build(
                {'type': 'VGGPerceptualLoss', 'layer_weights': {'3': 1}, 'weights': weight_file}
            )

    model = Model()
    model.init_weights()
    model.train()
    frozen = model.loss._frozen[0]

    assert len(frozen) == 4
    assert not model.state_dict()
    assert not list(model.parameters())
    assert not frozen.training
    assert not any(p.requires_grad for p in frozen.parameters())


def test_gradient_reaches_the_image_but_not_the_target(weight_file):
    loss = VGGPerceptualLoss({'3': 1}, weights=str(weight_file))
    x, y = images(1).requires_grad_(), images(2).requires_grad_()

    sum(loss(x, y)).backward()

    assert x.grad.abs().sum() > 0
    assert y.grad is None


def test_target_features_can_be_shared(weight_file):
    loss = VGGPerceptualLoss({'3': 1, '8': 1}, weights=str(weight_file))
    target = loss.features(images(2))

    assert loss(images(1), target) == loss(images(1), images(2))
    assert loss(images(2), target) == (0, 0)


def test_float32_under_autocast_and_for_half_precision_images(weight_file):
    loss = VGGPerceptualLoss({'8': 1}, weights=str(weight_file))
    x, y = (images(1) * 1e4).half(), (images(2) * 1e4).half()
    plain = loss(x.float(), y.float())

    with torch.autocast('cpu', torch.bfloat16):
        cast = loss(x, y)

    assert cast == plain
    assert all(term.dtype == torch.float32 and term.isfinite() for term in cast)


def test_half_precision_file_in_a_folder_becomes_float32(vgg_features, tmp_path):
    state = {f'features.{k}': v.half() for k, v in vgg_features.state_dict().items()}
    torch.save(state, tmp_path / 'vgg16_features_torchvision_fp16.pth')
    loss = VGGPerceptualLoss({'8': 1}, weights=str(tmp_path))
    loss.init_weights()

    for name, value in loss._frozen[0].state_dict().items():
        assert torch.equal(value, state[f'features.{name}'].float())
        assert value.dtype == torch.float32


def test_switched_off_terms_are_none_and_need_no_weights(weight_file):
    kwargs = {'layer_weights': {'1': 1}, 'layer_weights_style': {'3': 1}}
    no_style = VGGPerceptualLoss(**kwargs, style_weight=0, weights=str(weight_file))
    assert no_style(images(1), images(2))[0] > 0
    assert no_style(images(1), images(2))[1] is None
    assert len(no_style._frozen[0]) == 2
    nothing = VGGPerceptualLoss(perceptual_weight=0, style_weight=0, weights='/absent')
    assert nothing(images(1), images(2)) == (None, None)


def test_random_features_warn_and_are_reproducible(caplog, monkeypatch):
    monkeypatch.setattr(
        pretrained_features,
        'print_log',
        lambda message, logger, level: logging.getLogger().log(level, message),
    )
    state = torch.random.get_rng_state()
    first = VGGPerceptualLoss(weights='none')(images(1), images(2))
    torch.manual_seed(5)
    second = VGGPerceptualLoss(weights='none')(images(1), images(2))

    assert first == second
    assert all(term > 0 for term in first)
    assert 'the features are random. Only for smoke tests' in caplog.text
    torch.random.set_rng_state(state)
    VGGPerceptualLoss(weights='none').init_weights()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_missing_file_is_reported_before_training_not_at_construction(tmp_path):
    loss = VGGPerceptualLoss(weights=str(tmp_path / 'absent.pth'))
    with pytest.raises(FileNotFoundError, match=r'no VGG16 weights at .*absent\.pth.*weights='):
        loss.init_weights()
    folder = VGGPerceptualLoss(weights=str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r'vgg16_features_torchvision_fp16\.pth\. Put one'):
        folder.init_weights()


@pytest.mark.parametrize('weights', ['', None])
def test_failed_download_names_the_remedy(monkeypatch, weights):
    def offline(*args, **kwargs):
        raise URLError('Temporary failure in name resolution')

    monkeypatch.setattr(VGG16_Weights, 'get_state_dict', offline)
    with pytest.raises(FileNotFoundError, match=r'vgg16-397923af\.pth could not .*name resolution'):
        VGGPerceptualLoss(weights=weights).init_weights()


def test_download_is_torchvisions(monkeypatch, vgg_features):
    state = {f'features.{k}': v for k, v in vgg_features.state_dict().items()}
    state['classifier.0.weight'] = torch.zeros(1)
    monkeypatch.setattr(VGG16_Weights, 'get_state_dict', lambda *args, **kwargs: state)
    loss = VGGPerceptualLoss({'8': 1})
    loss.init_weights()
    assert torch.equal(loss._frozen[0][0].weight, vgg_features[0].weight)


def test_foreign_file_is_refused(tmp_path, weight_file):
    torch.save({'features.0.weight': torch.zeros(64, 3, 11, 11)}, tmp_path / 'alexnet.pth')
    with pytest.raises(UserError, match=r'alexnet\.pth holds no .* features\.0\.weight .*64, 3, 3'):
        VGGPerceptualLoss(weights=str(tmp_path / 'alexnet.pth')).init_weights()
    with pytest.raises(UserError, match=r'features\.10\.weight is missing'):
        VGGPerceptualLoss(weights=str(weight_file)).init_weights()


def test_bad_arguments_are_refused():
    with pytest.raises(UserError, match=r"found \['relu3_3'\], expected names '0' to '30'"):
        VGGPerceptualLoss({'relu3_3': 1})
    with pytest.raises(UserError, match="channel_order: found 'gbr'"):
        VGGPerceptualLoss(channel_order='gbr')


def test_real_weights_rank_damage(shared_data):
    """A blurred image is nearer to the original than noise is, and identical images are at 0."""
    loss = VGGPerceptualLoss(weights=str(shared_data('weights')))
    image = F.interpolate(images(3, 8), size=64, mode='bicubic')
    blurred = F.avg_pool2d(image, 3, 1, 1)

    assert loss(image, image) == (0, 0)
    for near, far in zip(loss(blurred, image), loss(images(4, 64), image), strict=True):
        assert 0 < near < far
