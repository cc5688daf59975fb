from __future__ import annotations

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.registry import DefaultScope
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

from fbinpaint_mm.models.networks import TorchvisionMobileNetV2
from fbinpaint_mm.pretrained_features import MOBILENET_V2
from fbinpaint_mm.user_error import UserError


@pytest.fixture(scope='module')
def original():
    """torchvision's network, with batch statistics as if trained."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = mobilenet_v2(weights=None).eval()
        for name, value in model.state_dict().items():
            if name.endswith(('running_mean', 'running_var')):
                value.uniform_(0.5, 1.5)
            if name.endswith('num_batches_tracked'):
                value.fill_(7)
    return model


@pytest.fixture(scope='module')
def folder(original, tmp_path_factory):
    folder = tmp_path_factory.mktemp('weights')
    torch.save(original.state_dict(), folder / MOBILENET_V2.files[0])
    return folder


def build(**settings):
    model = TorchvisionMobileNetV2(**settings)
    model.init_weights()
    return model.eval()


def images(size=32):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
@pytest.mark.parametrize('source', ['folder', 'file'])
def test_equals_torchvision_layer_by_layer(source, original, folder):
    weights = folder if source == 'folder' else folder / MOBILENET_V2.files[0]
    maps = build(weights=str(weights))(images())
    assert isinstance(maps, tuple)
    for depth, found in zip((1, 3, 6, 13, 17), maps, strict=True):
        assert torch.equal(found, original.features[: depth + 1](images()))
    assert [tuple(found.shape[1:]) for found in maps] == [
        (16, 16, 16),
        (24, 8, 8),
        (32, 4, 4),
        (96, 2, 2),
        (320, 1, 1),
    ]


def test_statistics_of_batch_normalization_are_loaded(original, folder):
    found = build(weights=str(folder)).state_dict()
    expected = original.features[:18].state_dict()
    assert set(found) == {f'features.{name}' for name in expected}
    for name, value in expected.items():
        assert torch.equal(found[f'features.{name}'], value), name
    assert found['features.0.1.num_batches_tracked'] == 7


@torch.no_grad()
def test_stem_of_stride_1_keeps_the_size(original, folder):
    maps = build(weights=str(folder), stem_stride=1)(images())
    assert [found.shape[-1] for found in maps] == [32, 16, 8, 4, 2]
    convolution, normalization, activation = original.features[0]
    dense = torch.nn.functional.conv2d(images(), convolution.weight, padding=1)
    expected = original.features[1](activation(normalization(dense)))
    torch.testing.assert_close(maps[0], expected)


@torch.no_grad()
def test_sizes_that_no_stride_divides():
    maps = build(weights='none', stem_stride=1)(torch.randn(1, 3, 18, 21))
    sizes = [(18, 21), (9, 11), (5, 6), (3, 3), (2, 2)]
    assert [tuple(found.shape[-2:]) for found in maps] == sizes


def test_layers_behind_the_last_output_are_left_out(original, folder):
    model = build(weights=str(folder), out_indices=[3])
    assert len(model.features) == 4
    (found,) = model(images())
    assert torch.equal(found, original.features[:4](images()))
    found.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@torch.no_grad()
def test_random_weights_repeat_and_keep_a_signal():
    first, second = (build(weights='none')(images()) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)
        assert one.std() > 0


def test_is_found_by_mmseg():
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(dict(type='mmagic.TorchvisionMobileNetV2', out_indices=(1,)))
    assert isinstance(model, TorchvisionMobileNetV2)


def test_building_needs_no_file():
    TorchvisionMobileNetV2(weights='/absent', out_indices=(1,))


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(stem_stride=4), r'stem_stride of TorchvisionMobileNetV2: found 4, expected 2, or 1'),
        (dict(out_indices=()), r'out_indices of .*: found \[\], expected ascending layers from 0'),
        (dict(out_indices=(3, 1)), r'found \[3, 1\], expected ascending layers from 0 to 17'),
        (dict(out_indices=(1, 18)), r'found \[1, 18\], expected ascending layers from 0 to 17'),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        TorchvisionMobileNetV2(**settings)


def test_missing_weights_are_named_with_the_remedy(tmp_path):
    message = (
        r'TorchvisionMobileNetV2: no MobileNetV2 weights at .*mobilenet_v2-b0353104\.pth\. Put'
    )
    with pytest.raises(FileNotFoundError, match=message):
        build(weights=str(tmp_path))


def test_another_networks_file_is_refused(tmp_path):
    torch.save({'features.0.weight': torch.zeros(64, 3, 3, 3)}, tmp_path / 'vgg.pth')
    message = (
        r'vgg\.pth holds no MobileNetV2 features: features\.0\.0\.weight is missing or has another '
        r"shape than \(32, 3, 3, 3\).*MobileNetV2 \('features\.0\.0\.weight', \.\.\.\)"
    )
    with pytest.raises(UserError, match=message):
        build(weights=str(tmp_path / 'vgg.pth'))


def test_a_failed_download_names_the_remedy(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError('no route to host')

    monkeypatch.setattr(MobileNet_V2_Weights, 'get_state_dict', offline)
    message = r'TorchvisionMobileNetV2: .*b0353104\.pth could not be downloaded .*FBINPAINT_WEIGHTS'
    with pytest.raises(FileNotFoundError, match=message):
        build(weights='')


@torch.no_grad()
def test_imagenet_weights(shared_data):
    folder = shared_data('weights')
    original = mobilenet_v2(weights=None).eval()
    original.load_state_dict(torch.load(folder / MOBILENET_V2.files[0], weights_only=True))
    maps = build(weights=str(folder))(images())
    assert torch.equal(maps[-1], original.features[:18](images()))
