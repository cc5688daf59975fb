from __future__ import annotations

import copy
import os
import pickle
import warnings
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
from mmagic.registry import METRICS
from skimage import data, filters, io
from torch import nn

from fbinpaint_mm.evaluation import LPIPS, PerRound
from fbinpaint_mm.evaluation.metrics.lpips import MIN_SIZE
from fbinpaint_mm.user_error import UserError

FILES = {
    'alex': 'alexnet_features_torchvision.pth',
    'vgg': 'vgg16_features_torchvision_fp16.pth',
}


def run(metric, samples):
    metric.process(
        None, [sample if isinstance(sample, dict) else sample.to_dict() for sample in samples]
    )
    return metric.evaluate(len(samples))


def as_sample(truth, image):
    """A sample of two (H, W, 3) uint8 RGB images."""
    bgr = [np.ascontiguousarray(one[..., ::-1].transpose(2, 0, 1)) for one in (truth, image)]
    return {'gt_img': torch.from_numpy(bgr[0]), 'output': {'pred_img': torch.from_numpy(bgr[1])}}


@pytest.fixture(scope='module')
def pairs():
    """RGB photographs of scikit-image, each with a blurred or noisy or cropped version."""
    face, cat, cup = (one[:96, :128] for one in (data.astronaut(), data.cat(), data.coffee()))
    blurred = (filters.gaussian(face, 2, channel_axis=-1) * 255).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 30, cat.shape)
    noisy = (cat + noise).clip(0, 255).astype(np.uint8)
    return [(face, blurred), (cat, noisy), (cup, data.coffee()[200:296, 200:328])]


@pytest.fixture(scope='module', params=['alex', 'vgg'])
def network(request):
    """The package's own network with random features, and the name of its backbone."""
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.manual_seed(0)
        return lpips.LPIPS(net=request.param, pnet_rand=True, verbose=False), request.param


def features_of(network):
    """The backbone of the package's network in torchvision's names."""
    state = network.net.state_dict()
    return {'features.' + name.split('.', 1)[1]: value for name, value in state.items()}


def score_by_package(network, truth, image):
    """As the package's README does it."""
    with torch.no_grad():
        return network(lpips.im2tensor(image), lpips.im2tensor(truth)).item()


def test_agrees_with_the_package_on_any_weights(network, pairs, tmp_path):
    oracle, backbone = network
    torch.save(features_of(oracle), tmp_path / 'features.pth')
    metric = LPIPS(backbone, weights=str(tmp_path / 'features.pth'))
    scores = run(metric, [as_sample(*pair) for pair in pairs])
    expected = [score_by_package(oracle, *pair) for pair in pairs]
    np.testing.assert_allclose(metric.series[0].items, expected, atol=1e-6)
    assert scores == {'LPIPS': pytest.approx(np.mean(expected), abs=1e-6)}
    assert min(expected) > 1e-3


@pytest.fixture
def pretrained(network, shared_data):
    """The package's network with ImageNet features, its backbone, and their folder."""
    oracle, backbone = copy.deepcopy(network[0]), network[1]
    folder = shared_data('weights')
    stored = torch.load(folder / FILES[backbone], weights_only=True)
    names = [name for name in oracle.state_dict() if name.startswith('net.')]
    oracle.load_state_dict(
        {name: stored['features.' + name.split('.', 2)[2]] for name in names}, strict=False
    )
    return oracle, backbone, folder


def test_agrees_with_the_package_on_pretrained_weights(pretrained, pairs):
    oracle, backbone, folder = pretrained
    metric = LPIPS(backbone, weights=str(folder))
    run(metric, [as_sample(*pair) for pair in pairs])
    expected = [score_by_package(oracle, *pair) for pair in pairs]
    np.testing.assert_allclose(metric.series[0].items, expected, atol=1e-4)
    assert metric.protocol()['LPIPS']['weights'] == FILES[backbone]


def test_the_published_example_values(shared_data):
    """The distances that the package prints for its example images, which it does not ship."""
    if 'FBINPAINT_LPIPS_EXAMPLES' not in os.environ:
        pytest.skip(
            'FBINPAINT_LPIPS_EXAMPLES names no folder with ex_ref.png, ex_p0.png, ex_p1.png'
        )
    folder = Path(os.environ['FBINPAINT_LPIPS_EXAMPLES'])
    truth, *images = (io.imread(folder / f'ex_{name}.png')[..., :3] for name in ('ref', 'p0', 'p1'))
    metric = LPIPS(weights=str(shared_data('weights')))
    run(metric, [as_sample(truth, image) for image in images])
    np.testing.assert_allclose(metric.series[0].items, [0.722, 0.138], atol=5e-4)


@pytest.fixture
def metric():
    return LPIPS(weights='none')


def test_identical_images_are_at_0(metric, pairs):
    samples = [as_sample(truth, truth) for truth, _ in pairs]
    samples[1]['output']['pred_img'] = samples[1]['gt_img'].float()
    assert run(metric, samples) == {'LPIPS': 0}


def test_chunks_and_neighbors_change_nothing(make_sample, monkeypatch):
    samples = [make_sample(seed, size=size) for seed, size in enumerate((32, 32, 32, 40, 32))]
    sizes = []
    monkeypatch.setattr(lpips, 'normalize_tensor', wrap(lpips.normalize_tensor, sizes))
    small, large = LPIPS(weights='none', batch_size=2), LPIPS(weights='none')
    run(small, samples)
    assert sizes[:: 2 * 5] == [2, 1, 1, 1]
    sizes.clear()
    run(large, samples)
    assert sizes[:: 2 * 5] == [3, 1, 1]
    np.testing.assert_allclose(small.series[0].items, large.series[0].items, rtol=1e-5)


def wrap(function, sizes):
    def recording(features, *args):
        sizes.append(len(features))
        return function(features, *args)

    return recording


def test_per_round_scores_all_views_in_one_pass(make_sample, metric):
    samples = [make_sample(seed, size=32) for seed in range(2)]
    calls = []
    metric.network.register_forward_hook(lambda *args: calls.append(args[2].shape[0]))
    wrapped = PerRound(metric)
    scores = run(wrapped, samples)
    assert calls == [6]
    assert list(scores) == ['round0/LPIPS', 'round1/LPIPS', 'round2/LPIPS', 'LPIPS']
    assert scores['LPIPS'] == scores['round2/LPIPS'] < scores['round0/LPIPS']
    for sample in samples:
        sample.output.pred_img = sample.output.round_imgs[1]
    alone = run(LPIPS(weights='none'), samples)['LPIPS']
    assert scores['round1/LPIPS'] == pytest.approx(alone, rel=1e-5)
    assert wrapped.protocol() == metric.protocol()
    assert not wrapped.series[0].higher_is_better


@pytest.mark.parametrize('dtype', [torch.half, torch.bfloat16])
def test_half_precision_images_are_scored_in_float32(make_sample, metric, dtype):
    half, full = make_sample(0, size=32), make_sample(0, size=32)
    half.output.pred_img = half.output.pred_img.to(dtype)
    full.output.pred_img = half.output.pred_img.float()
    with torch.autocast('cpu', torch.bfloat16):
        low = run(metric, [half])
    assert low == run(metric, [full])


def test_the_device_is_the_models(make_sample, metric):
    model = nn.Linear(1, 1)
    model.data_preprocessor = nn.Module()
    metric.prepare(model, torch.utils.data.DataLoader(range(3)))
    assert (metric.model_device, metric.size) == (torch.device('cpu'), 3)
    empty = nn.Module()
    empty.data_preprocessor = nn.Module()
    metric.prepare(empty, torch.utils.data.DataLoader(range(3)))
    assert metric.model_device is None


def test_copies_leave_the_network_out_and_score_the_same(make_sample, metric):
    samples = [make_sample(0, size=32)]
    assert len(pickle.dumps(metric)) < 10_000
    copies = [copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))]
    expected = run(metric, samples)
    assert [run(one, samples) for one in copies] == [expected, expected]


def test_building_is_silent_and_draws_no_random_numbers(capfd):
    before = torch.random.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        LPIPS('vgg', weights='none')
    assert torch.equal(torch.random.get_rng_state(), before)
    assert 'Setting up' not in capfd.readouterr().out


def test_the_network_is_frozen_in_evaluation_mode(metric):
    assert not any(parameter.requires_grad for parameter in metric.network.parameters())
    assert not any(module.training for module in metric.network.modules())
    assert all(p.dtype == torch.float32 for p in metric.network.parameters())


def test_missing_weights_are_reported_when_the_metric_is_built(tmp_path):
    inner = {'type': 'LPIPS', 'weights': str(tmp_path / 'absent')}
    with pytest.raises(FileNotFoundError, match=r'LPIPS: no AlexNet weights at .*absent\. Put one'):
        METRICS.build({'type': 'PerRound', 'metric': inner})


@pytest.mark.parametrize('backbone', ['alex', 'vgg'])
def test_images_may_be_as_small_as_the_backbone_allows(backbone):
    metric, size = LPIPS(backbone, weights='none'), MIN_SIZE[backbone]
    generator = np.random.default_rng(0)
    truth, image = generator.integers(0, 256, (2, size, 40, 3), dtype=np.uint8)
    assert run(metric, [as_sample(truth, image)])['LPIPS'] > 0
    message = f'at least {size} x {size} pixels, found {size - 1} x 40'
    with pytest.raises(UserError, match=message):
        run(metric, [as_sample(truth[:-1], image[:-1])])


def test_bad_images_and_settings_are_refused(make_sample, metric):
    sample = make_sample(7, size=32)
    sample.output.pred_img = sample.output.pred_img[:, :-1]
    message = (
        r'00007\.png: .* two \(3, H, W\) images of one size, found \(3, 32, 32\) .* \(3, 31, 32\)'
    )
    with pytest.raises(UserError, match=message):
        run(metric, [sample])
    with pytest.raises(UserError, match="backbone: found 'squeeze', expected one of"):
        LPIPS('squeeze', weights='none')
    with pytest.raises(UserError, match='batch_size: found 0'):
        LPIPS(weights='none', batch_size=0)


def test_protocol_names_the_backbone_and_its_weights(metric):
    assert metric.protocol()['LPIPS'] == {
        'unit': '',
        'data_range': '-1..1 (from 0..255, not rounded)',
        'color_order': 'RGB (from BGR)',
        'backbone': 'alex',
        'weights': 'random',
        'linear_heads': 'lpips v0.1',
        'image': 'composite',
        'region': 'whole image',
        'higher_is_better': False,
    }
