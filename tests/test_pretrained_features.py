from __future__ import annotations

import logging
from urllib.error import URLError

import pytest
import torch
from torchvision.models import AlexNet_Weights

from fbinpaint_mm import pretrained_features
from fbinpaint_mm.pretrained_features import ALEXNET, MOBILENET_V2, VGG16
from fbinpaint_mm.user_error import UserError

SHAPES = {'0.weight': (64, 3, 11, 11), '0.bias': (64,)}


@pytest.fixture
def state():
    generator = torch.Generator().manual_seed(0)
    return {
        f'features.{name}': torch.randn(shape, generator=generator)
        for name, shape in SHAPES.items()
    }


def test_a_file_gives_float32_whatever_its_precision(state, tmp_path):
    path = tmp_path / 'mine.pth'
    torch.save({name: value.half() for name, value in state.items()}, path)
    found = ALEXNET.load(SHAPES, str(path), 'LPIPS')
    assert list(found) == list(SHAPES)
    for name, value in found.items():
        assert value.dtype == torch.float32
        assert torch.equal(value, state[f'features.{name}'].half().float())


def test_a_folder_prefers_full_precision(tmp_path):
    names = list(VGG16.files)
    for name in reversed(names):
        (tmp_path / name).touch()
        assert VGG16.find(str(tmp_path), 'test').name == name
    assert names[-1].endswith('_fp16.pth')


def test_layers_that_are_not_wanted_may_be_in_the_file(state, tmp_path):
    torch.save({**state, 'classifier.1.bias': torch.zeros(2)}, tmp_path / ALEXNET.files[1])
    found = ALEXNET.load({'0.bias': (64,)}, str(tmp_path), 'LPIPS')
    assert torch.equal(found['0.bias'], state['features.0.bias'])


NORMALIZED = {
    '0.0.weight': (32, 3, 3, 3),
    '0.1.weight': (32,),
    '0.1.bias': (32,),
    '0.1.running_mean': (32,),
    '0.1.running_var': (32,),
    '0.1.num_batches_tracked': (),
}


def test_statistics_of_batch_normalization_are_read_too(tmp_path):
    stored = {f'features.{name}': torch.rand(shape).half() for name, shape in NORMALIZED.items()}
    stored['features.0.1.num_batches_tracked'] = torch.tensor(4000)
    torch.save(stored, tmp_path / MOBILENET_V2.files[0])
    found = MOBILENET_V2.load(NORMALIZED, str(tmp_path), 'backbone')
    count = found.pop('0.1.num_batches_tracked')
    assert (count.dtype, count.item()) == (torch.int64, 4000)
    for name, value in found.items():
        assert value.dtype == torch.float32
        assert torch.equal(value, stored[f'features.{name}'].float())


def test_random_batch_normalization_changes_nothing():
    found = MOBILENET_V2.load(NORMALIZED, 'none', 'backbone')
    for name in ('weight', 'running_var'):
        assert (found[f'0.1.{name}'] == 1).all()
    for name in ('bias', 'running_mean', 'num_batches_tracked'):
        assert not found[f'0.1.{name}'].any()
    assert found['0.0.weight'].std() == pytest.approx((2 / 27) ** 0.5, rel=0.1)


def test_a_missing_file_is_named_with_the_remedy(tmp_path):
    message = r'LPIPS: no AlexNet weights at .*alexnet-owt-7be5be79\.pth\. Put one of .* there, or'
    with pytest.raises(FileNotFoundError, match=message):
        ALEXNET.find(str(tmp_path), 'LPIPS')
    with pytest.raises(FileNotFoundError, match=r'no AlexNet weights at .*absent\.pth\. Put one'):
        ALEXNET.load(SHAPES, str(tmp_path / 'absent.pth'), 'LPIPS')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(a=logging.StrFormatStyle('x')), "calls 'logging.StrFormatStyle'.*--trust-check"),
        ([torch.zeros(1)], 'holds no weights: found list, expected a dict of tensors'),
        (dict(a=dict(b=1)), 'holds no AlexNet features'),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content, message):
    torch.save(content, tmp_path / 'mine.pth')
    with pytest.raises(UserError, match=rf'mine\.pth.*{message}'):
        ALEXNET.load(SHAPES, str(tmp_path / 'mine.pth'), 'LPIPS')


def test_another_networks_file_is_refused(state, tmp_path):
    torch.save(state, tmp_path / 'alexnet.pth')
    message = r'alexnet\.pth holds no VGG16 features: features\.0\.weight .* \(64, 3, 3, 3\)'
    with pytest.raises(UserError, match=message):
        VGG16.load({'0.weight': (64, 3, 3, 3)}, str(tmp_path / 'alexnet.pth'), 'loss')
    message = r"features\.3\.bias is missing .* AlexNet \('features\.3\.bias', \.\.\.\), with or"
    with pytest.raises(UserError, match=message):
        ALEXNET.load({'3.bias': (192,)}, str(tmp_path / 'alexnet.pth'), 'LPIPS')


@pytest.mark.parametrize('weights', ['', None])
def test_a_failed_download_names_the_remedy(monkeypatch, weights):
    def offline(*args, **kwargs):
        raise URLError('Temporary failure in name resolution')

    monkeypatch.setattr(AlexNet_Weights, 'get_state_dict', offline)
    message = r'alexnet-owt-7be5be79\.pth could not be downloaded .*FBINPAINT_WEIGHTS'
    with pytest.raises(FileNotFoundError, match=message):
        ALEXNET.load(SHAPES, weights, 'LPIPS')


def test_random_features_warn_repeat_and_leave_the_random_state_alone(caplog, monkeypatch):
    monkeypatch.setattr(
        pretrained_features,
        'print_log',
        lambda message, logger, level: logging.getLogger().log(level, message),
    )
    before = torch.random.get_rng_state()
    first, second = (ALEXNET.load(SHAPES, 'none', 'LPIPS') for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first['0.weight'], second['0.weight'])
    assert first['0.weight'].std() == pytest.approx((2 / 363) ** 0.5, rel=0.05)
    assert not first['0.bias'].any()
    assert "LPIPS: weights='none', the features are random" in caplog.text


def test_the_source_is_named_for_reports(tmp_path):
    (tmp_path / 'mine.pth').touch()
    assert ALEXNET.source('none', 'LPIPS') == 'random'
    assert ALEXNET.source(None, 'LPIPS') == 'alexnet-owt-7be5be79.pth'
    assert ALEXNET.source(str(tmp_path / 'mine.pth'), 'LPIPS') == 'mine.pth'
