from __future__ import annotations

import sys
from urllib.error import URLError

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from scipy import linalg
from torch import nn

from fbinpaint_mm.evaluation import PerRound, RoundFID
from fbinpaint_mm.evaluation.metrics import round_fid
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def _torchmetrics():
    for package in ('torchmetrics', 'torch_fidelity'):
        pytest.importorskip(package, reason=f'{package} is not installed: no RoundFID')


pytestmark = pytest.mark.usefixtures('_torchmetrics')


class Colors(nn.Module):
    """Mean and spread of each color: (N, 3, H, W) uint8 RGB -> (N, 6)."""

    def forward(self, images):
        assert images.dtype == torch.uint8
        values = images.float()
        return torch.cat([values.mean(dim=(2, 3)), values.std(dim=(2, 3))], dim=1)


def run(metric, samples, batch_size=3):
    samples = [sample.to_dict() for sample in samples]
    for start in range(0, len(samples), batch_size):
        metric.process(None, samples[start : start + batch_size])
    return metric.evaluate(len(samples))


def distance_by_scipy(truth, images):
    """The formula of the paper with scipy's matrix root."""
    first, second = (np.cov(one, rowvar=False) for one in (truth, images))
    root = linalg.sqrtm(first @ second).real
    shift = truth.mean(0) - images.mean(0)
    return shift @ shift + np.trace(first + second - 2 * root)


def features(images):
    """Colors of (N, 3, H, W) images in 0..255 BGR."""
    whole = images.float().round().clamp(0, 255).to(torch.uint8).flip(1)
    return Colors()(whole).double().numpy()


def test_agrees_with_scipy_in_every_round(make_sample):
    samples = [make_sample(seed) for seed in range(10)]
    scores = run(RoundFID(extractor=Colors()), samples)
    assert list(scores) == ['round0/FID', 'round1/FID', 'round2/FID', 'FID']
    truth = features(torch.stack([one.gt_img for one in samples]))
    for r in range(3):
        images = features(torch.stack([one.output.round_imgs[r] for one in samples]))
        assert scores[f'round{r}/FID'] == pytest.approx(distance_by_scipy(truth, images), rel=1e-3)
    assert scores['FID'] == scores['round2/FID'] < scores['round0/FID']


def test_an_image_of_nan_leaves_no_distance(make_sample, log):
    samples = [make_sample(seed) for seed in range(8)]
    samples[5].output.round_imgs[1, 0, 2, 3] = torch.nan
    scores = run(RoundFID(extractor=Colors()), samples)
    assert np.isnan(scores['round1/FID'])
    assert np.isfinite([scores['round0/FID'], scores['round2/FID'], scores['FID']]).all()
    assert 'FID is nan: 1 of 8 images have no finite score: images/00005.png' in log()


def test_the_final_image_has_its_own_score(make_sample):
    samples = [make_sample(seed) for seed in range(8)]
    for sample in samples:
        sample.output.pred_img = sample.gt_img.clone()
    scores = run(RoundFID(extractor=Colors()), samples)
    assert abs(scores['FID']) < 1e-3 < scores['round2/FID']


def test_batches_sizes_and_precision_change_nothing(make_sample):
    samples = [make_sample(seed, size=24 + 8 * (seed % 2)) for seed in range(8)]
    expected = run(RoundFID(extractor=Colors()), samples)
    assert run(RoundFID(extractor=Colors(), batch_size=2), samples, 8) == pytest.approx(expected)
    for sample in samples:
        sample.output.pred_img = sample.output.pred_img.round().half()
        sample.output.round_imgs = sample.output.round_imgs.round().half()
    assert run(RoundFID(extractor=Colors()), samples) == pytest.approx(expected)


def test_a_model_without_rounds_and_offline_evaluation(make_sample):
    samples = [make_sample(seed, with_rounds=False) for seed in range(8)]
    metric = RoundFID(extractor=Colors())
    with DefaultScope.overwrite_default_scope('mmagic'):
        scores = Evaluator([metric]).offline_evaluate(samples, chunk_size=3)
    assert list(scores) == ['FID']
    assert metric.series == []


def test_too_few_images_are_warned_of(make_sample, monkeypatch):
    messages = []
    monkeypatch.setattr(round_fid, 'print_log', lambda text, **_: messages.append(text))
    assert run(RoundFID(extractor=Colors()), [make_sample(seed) for seed in range(6)])
    assert messages == []
    assert run(RoundFID(extractor=Colors()), [make_sample(seed) for seed in range(5)])
    assert '5 images for 6 features' in messages[0]
    assert run(RoundFID(extractor=Colors()), [make_sample(0)]) == {}
    assert 'there is none with fewer than two' in messages[1]


def test_a_mixture_of_round_counts_is_refused(make_sample):
    samples = [make_sample(0, rounds=1), make_sample(1, rounds=2)]
    with pytest.raises(UserError, match=r'different numbers of rounds: \[2, 3\]'):
        run(RoundFID(extractor=Colors()), samples)
    with pytest.raises(UserError, match='RoundFID scores every round by itself'):
        PerRound(RoundFID(extractor=Colors()))


def test_missing_packages_are_named_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torch_fidelity', None)
    with pytest.raises(UserError, match=r"torch_fidelity: not installed\. .*'fbinpaint_mm\[fid\]'"):
        RoundFID()


def test_missing_weights_are_named_with_the_remedy(tmp_path, monkeypatch):
    message = r'RoundFID: no Inception weights at .*weights-inception-2015-12-05-6726825d\.pth'
    with pytest.raises(FileNotFoundError, match=message):
        RoundFID(weights=str(tmp_path))
    from torch_fidelity import feature_extractor_inceptionv3

    def offline(*args, **kwargs):
        raise URLError('Temporary failure in name resolution')

    monkeypatch.setattr(feature_extractor_inceptionv3, 'load_state_dict_from_url', offline)
    message = r'6726825d\.pth gives no weights .*name resolution.*Set weights to a file'
    with pytest.raises(FileNotFoundError, match=message):
        RoundFID()


def test_a_weight_file_is_read_before_the_package_runs_what_it_says(tmp_path):
    marker = tmp_path / 'marker'
    torch.save(dict(a=Opens(marker)), tmp_path / 'x.pth')
    with pytest.raises(UserError, match=r"x\.pth' calls 'io\.open'"):
        RoundFID(weights=str(tmp_path / 'x.pth'))
    assert not marker.exists()


class Opens:
    """Opens a file for writing when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


def test_protocol():
    facts = RoundFID(extractor=Colors()).protocol()['FID']
    assert facts['data_range'] == '0..255, rounded to uint8'
    assert facts['backbone'] == 'Colors'
    assert (facts['image'], facts['region'], facts['unit']) == ('composite', 'whole image', '')
    assert facts['higher_is_better'] is False
