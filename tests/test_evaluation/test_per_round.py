from __future__ import annotations

import pytest
import torch
from mmagic.evaluation import Evaluator as MMagicEvaluator
from mmagic.evaluation.metrics import MAE, PSNR, SSIM
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from skimage.metrics import structural_similarity
from torch import nn

from fbinpaint_mm.evaluation import FinitePSNR, HoleMAE, PerRound


def run(metric, samples, batch_size=2):
    samples = [sample.to_dict() for sample in samples]
    for start in range(0, len(samples), batch_size):
        metric.process(None, samples[start : start + batch_size])
    return metric.evaluate(len(samples))


def score_alone(metric, samples, index):
    """What the plain metric says when round ``index`` is the only prediction."""
    for sample in samples:
        sample = sample.clone()
        sample.output.pred_img = sample.output.round_imgs[index]
        metric.process(None, [sample.to_dict()])
    metric.size = len(samples)
    return float(metric.evaluate()[metric.metric])


@pytest.mark.parametrize('kind', [SSIM, MAE, PSNR])
def test_equals_the_plain_metric_on_every_round(make_sample, kind):
    samples = [make_sample(seed) for seed in range(3)]
    scores = run(PerRound({'type': kind.__name__}), samples)
    name = kind.metric
    assert list(scores) == [f'round0/{name}', f'round1/{name}', f'round2/{name}', name]
    for r in range(3):
        assert scores[f'round{r}/{name}'] == pytest.approx(score_alone(kind(), samples, r))
    assert scores[name] == scores[f'round2/{name}']


def test_ssim_agrees_with_scikit_image(make_sample):
    sample = make_sample(0)
    window = {'gaussian_weights': True, 'sigma': 1.5, 'use_sample_covariance': False}
    _, similarity = structural_similarity(
        sample.gt_img.double().numpy(),
        sample.output.pred_img.double().numpy(),
        data_range=255,
        channel_axis=0,
        full=True,
        **window,
    )
    expected = similarity[:, 5:-5, 5:-5].mean()
    assert run(PerRound({'type': 'SSIM'}), [sample])['SSIM'] == pytest.approx(expected, abs=1e-5)


def test_the_final_score_is_that_of_pred_img(make_sample):
    sample = make_sample(0)
    sample.output.pred_img = sample.gt_img.float()
    scores = run(PerRound(FinitePSNR()), [sample])
    assert scores['PSNR'] == 100
    assert scores['round2/PSNR'] < 100


@pytest.mark.parametrize('rounds', [0, 1, 3])
def test_any_number_of_rounds(make_sample, rounds):
    scores = run(PerRound({'type': 'MAE'}), [make_sample(0, rounds=rounds)])
    assert list(scores) == [*(f'round{r}/MAE' for r in range(rounds + 1)), 'MAE']


def test_a_model_without_rounds_gets_the_final_score(make_sample):
    assert list(run(PerRound({'type': 'SSIM'}), [make_sample(0, with_rounds=False)])) == ['SSIM']


def test_a_mixture_of_round_counts_is_refused(make_sample):
    with pytest.raises(ValueError, match=r'different numbers of rounds: \[2, 3\]'):
        run(PerRound({'type': 'MAE'}), [make_sample(0, rounds=1), make_sample(1, rounds=2)])


def test_samples_are_left_as_they_were(make_sample):
    sample = make_sample(0)
    sample.mask = sample.mask * 255
    before = sample.clone()
    run(PerRound(HoleMAE()), [sample])
    for key in ('gt_img', 'mask', 'gt_seg'):
        assert torch.equal(getattr(sample, key), getattr(before, key))
    assert torch.equal(sample.output.pred_img, before.output.pred_img)


def test_the_prefix_comes_first(make_sample):
    scores = run(PerRound({'type': 'MAE', 'prefix': 'faces'}), [make_sample(0, rounds=0)])
    assert list(scores) == ['faces/round0/MAE', 'faces/MAE']


def test_refuses_metrics_that_are_not_sample_wise(make_sample):
    with pytest.raises(TypeError, match='wraps a sample-wise metric of mmagic, got Sliced'):
        PerRound({'type': 'SlicedWassersteinDistance', 'fake_nums': 2, 'image_shape': (3, 32, 32)})

    class Twice(MAE):
        def process(self, data_batch, data_samples):
            super().process(data_batch, [*data_samples, *data_samples])

    with pytest.raises(TypeError, match='Twice gave 8 results for 4 samples'):
        run(PerRound(Twice()), [make_sample(0)])


def test_a_missing_mask_is_named(make_sample):
    sample = make_sample(3)
    del sample.mask
    with pytest.raises(KeyError, match=r"00003\.png: the metric reads the hole from 'mask'"):
        run(PerRound({'type': 'HoleMAE'}), [sample])


METRICS_CFG = [
    {'type': 'PerRound', 'metric': {'type': 'FinitePSNR'}},
    {'type': 'PerRound', 'metric': {'type': 'SSIM'}},
    {'type': 'PerRound', 'metric': {'type': 'MAE'}},
    {'type': 'PerRound', 'metric': {'type': 'HoleMAE'}},
    {'type': 'HoleIoU', 'num_classes': 4},
]


def test_both_evaluators_agree(make_sample):
    """mmagic's evaluator (prepared by its loops) and mmengine's, online and offline."""
    samples = [make_sample(seed) for seed in range(3)]
    with DefaultScope.overwrite_default_scope('mmagic'):
        offline = Evaluator(METRICS_CFG).offline_evaluate(samples, chunk_size=2)
        evaluator = MMagicEvaluator(METRICS_CFG)
    model = nn.Module()
    model.data_preprocessor = nn.Module()
    loader = torch.utils.data.DataLoader(samples, batch_size=2, collate_fn=list)
    evaluator.prepare_metrics(model, loader)
    ((metrics, sampler),) = evaluator.prepare_samplers(model, loader)
    for batch in sampler:
        evaluator.process(batch, None, metrics)
    assert evaluator.evaluate() == offline
    assert {'PSNR', 'SSIM', 'MAE', 'MAE_hole', 'mIoU', 'mIoU_hole'} <= set(offline)
