from __future__ import annotations

import numpy as np
import pytest
import torch
from mmagic.evaluation import Evaluator as MMagicEvaluator
from mmagic.evaluation.metrics import MAE, PSNR, SSIM
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn

from fbinpaint_mm.evaluation import FinitePSNR, HoleIoU, HoleMAE, PerRound
from fbinpaint_mm.user_error import UserError


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


def skimage_ssim(truth, image):
    window = {'gaussian_weights': True, 'sigma': 1.5, 'use_sample_covariance': False}
    _, similarity = structural_similarity(
        truth, image, data_range=255, channel_axis=0, full=True, **window
    )
    return similarity[:, 5:-5, 5:-5].mean()


def skimage_psnr(truth, image):
    return peak_signal_noise_ratio(truth, image, data_range=255)


@pytest.mark.parametrize(
    ('metric', 'oracle', 'tolerance'),
    [
        ('SSIM', skimage_ssim, 1e-5),
        ('PSNR', skimage_psnr, 1e-4),
        ('FinitePSNR', skimage_psnr, 1e-4),
    ],
)
def test_agrees_with_scikit_image_in_every_round(make_sample, metric, oracle, tolerance):
    samples = [make_sample(seed) for seed in range(3)]
    scores = run(PerRound({'type': metric}), samples)
    for r in range(3):
        expected = [
            oracle(one.gt_img.double().numpy(), one.output.round_imgs[r].double().numpy())
            for one in samples
        ]
        found = scores[f'round{r}/{metric.removeprefix("Finite")}']
        assert found == pytest.approx(np.mean(expected), abs=tolerance)


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
    with pytest.raises(UserError, match=r'different numbers of rounds: \[2, 3\]'):
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
    with pytest.raises(UserError, match='wraps a sample-wise metric of mmagic, got Sliced'):
        PerRound({'type': 'SlicedWassersteinDistance', 'fake_nums': 2, 'image_shape': (3, 32, 32)})

    class Twice(MAE):
        def process(self, data_batch, data_samples):
            super().process(data_batch, [*data_samples, *data_samples])

    with pytest.raises(UserError, match='Twice gave 6 results for 3 samples'):
        run(PerRound(Twice()), [make_sample(0)])


def test_a_missing_mask_is_named(make_sample):
    sample = make_sample(3)
    del sample.mask
    with pytest.raises(UserError, match=r"00003\.png: the metric reads the hole from 'mask'"):
        run(PerRound({'type': 'HoleMAE'}), [sample])


def test_series_hold_every_image_and_round(make_sample):
    samples = [make_sample(seed) for seed in range(3)]
    metric = PerRound({'type': 'MAE', 'scaling': 255})
    scores = run(metric, samples)
    assert [one.round for one in metric.series] == [0, 1, 2, None]
    for one in metric.series:
        assert (one.metric, one.reduction, one.higher_is_better) == ('MAE', 'mean', False)
        assert one.samples == [f'images/{seed:05d}.png' for seed in range(3)]
        assert one.hole_areas.tolist() == [140 / 576] * 3
    error = [
        (one.gt_img.double() - one.output.round_imgs[1].double()).abs().mean().item()
        for one in samples
    ]
    np.testing.assert_allclose(metric.series[1].items, error, rtol=1e-5)
    assert metric.series[1].score() == scores['round1/MAE']
    assert PerRound({'type': 'SSIM'}).series == []


def test_bins_of_every_round(make_sample):
    samples = [make_sample(seed) for seed in range(4)]
    samples[2].mask[:, :12] = 1  # more than half of the image
    samples[3].mask[:] = 0  # outside every bin
    metric = PerRound({'type': 'SSIM'}, area_bins=(0.2, 0.4, 0.5, 0.8))
    scores = run(metric, samples)
    assert list(scores)[:12] == [
        *('round0/SSIM', 'round0/SSIM_std', 'round0/SSIM_count'),
        *('round0/SSIM_20-40', 'round0/SSIM_20-40_std', 'round0/SSIM_20-40_count'),
        'round0/SSIM_40-50_count',
        *('round0/SSIM_50-80', 'round0/SSIM_50-80_std', 'round0/SSIM_50-80_count'),
        *('round1/SSIM', 'round1/SSIM_std'),
    ]
    assert scores['round1/SSIM_count'] == 4
    assert scores['round1/SSIM_20-40'] == pytest.approx(metric.series[1].values[:2].mean())
    assert scores['SSIM_40-50_count'] == 0


def test_without_mask_an_image_counts_only_overall(make_sample):
    samples = [make_sample(seed) for seed in range(2)]
    del samples[0].mask
    metric = PerRound({'type': 'MAE'}, area_bins=(0, 1))
    scores = run(metric, samples)
    assert np.isnan(metric.series[0].hole_areas[0])
    assert (scores['MAE_count'], scores['MAE_0-100_count']) == (2, 1)


def test_a_short_last_batch_weighs_no_more(make_sample):
    samples = [make_sample(seed) for seed in range(5)]
    expected = run(PerRound({'type': 'MAE'}), samples, batch_size=1)
    for size in (2, 4, 5):
        assert run(PerRound({'type': 'MAE'}), samples, batch_size=size) == expected


@pytest.mark.parametrize('dtype', [torch.half, torch.bfloat16])
@pytest.mark.parametrize('kind', ['SSIM', 'PSNR', 'MAE', 'FinitePSNR', 'HoleMAE'])
def test_half_precision_is_scored_in_float32(make_sample, dtype, kind):
    half, full = make_sample(0), make_sample(0)
    for key in ('pred_img', 'round_imgs'):
        low = getattr(half.output, key).to(dtype)
        setattr(half.output, key, low)
        setattr(full.output, key, low.float())
    metric = {'type': kind}
    assert run(PerRound(metric), [half]) == run(PerRound(metric), [full])
    assert half.output.pred_img.dtype == dtype


def test_the_final_image_is_scored_once_where_it_is_that_of_the_last_round(make_sample):
    seen = []

    class Counting(MAE):
        def process(self, data_batch, data_samples):
            seen.append(len(data_samples))
            super().process(data_batch, data_samples)

    other = make_sample(1)
    other.output.pred_img = other.output.pred_img + 1
    run(PerRound(Counting()), [make_sample(0), other])
    assert seen == [3 + 4]


def test_what_scores_rounds_by_itself_and_inner_bins_are_refused():
    with pytest.raises(UserError, match='HoleIoU scores every round by itself; use it without'):
        PerRound(HoleIoU(num_classes=4))
    with pytest.raises(UserError, match=r'area_bins belong to PerRound, found in .* HoleMAE'):
        PerRound({'type': 'HoleMAE', 'area_bins': (0.1, 0.2)})


@pytest.mark.parametrize(
    ('metric', 'facts'),
    [
        ('SSIM', {'unit': '', 'region': 'whole image', 'higher_is_better': True}),
        ('FinitePSNR', {'unit': 'dB', 'max': 100.0, 'higher_is_better': True}),
        ('HoleMAE', {'unit': '', 'region': 'hole', 'higher_is_better': False}),
    ],
)
def test_protocol_is_that_of_the_inner_metric(metric, facts):
    ((name, found),) = PerRound({'type': metric}).protocol().items()
    assert name == {'HoleMAE': 'MAE_hole', 'FinitePSNR': 'PSNR'}.get(metric, metric)
    assert facts.items() <= found.items()
    assert (found['image'], found['color_order']) == ('composite', 'BGR')
    assert '0..255' in found['data_range']


@pytest.mark.parametrize('kind', ['FinitePSNR', 'PSNR', 'SSIM', 'MAE', 'HoleMAE', 'LPIPS'])
@pytest.mark.parametrize('place', [0, 1, 2])
def test_an_image_of_nan_is_named_wherever_it_is(make_sample, log, kind, place):
    samples = [make_sample(seed, size=32) for seed in range(3)]
    output = samples[place].output
    output.pred_img = torch.full_like(output.pred_img, torch.nan)
    output.round_imgs[1:] = torch.nan
    settings = dict(weights='none') if kind == 'LPIPS' else {}
    metric = PerRound({'type': kind, **settings})
    scores = run(metric, samples)
    name = metric.series[0].metric
    assert np.isfinite(scores[f'round0/{name}'])
    assert np.isnan([scores[f'round1/{name}'], scores[f'round2/{name}'], scores[name]]).all()
    assert f'{name} is nan: 1 of 3 images have no finite score: images/0000{place}.png' in log()


def test_a_perfect_image_under_the_psnr_of_mmagic_is_named(make_sample, log):
    sample = make_sample(0, rounds=0)
    sample.output.pred_img = sample.gt_img.float()
    assert np.isnan(run(PerRound({'type': 'PSNR'}), [sample])['PSNR'])
    assert 'PSNR is nan: 1 of 1 images' in log()
    assert 'FinitePSNR has a ceiling' in log()


@pytest.mark.parametrize(('size', 'border'), [((10, 64), 0), ((64, 1), 0), ((64, 18), 4)])
def test_an_image_below_the_window_of_ssim_is_refused(make_sample, size, border):
    sample = make_sample(3, size=64, with_rounds=False)
    height, width = size
    sample.gt_img = sample.gt_img[:, :height, :width]
    sample.output.pred_img = sample.output.pred_img[:, :height, :width]
    needed = 11 + 2 * border
    message = (
        f'images/00003.png: SSIM needs images of at least {needed} x {needed} pixels, '
        f'found {height} x {width}'
    )
    with pytest.raises(UserError, match=message):
        run(PerRound({'type': 'SSIM', 'crop_border': border}), [sample])


BINS = (0.1, 0.3, 0.6)
METRICS_CFG = [
    {'type': 'PerRound', 'metric': {'type': 'FinitePSNR'}},
    {'type': 'PerRound', 'metric': {'type': 'SSIM'}},
    {'type': 'PerRound', 'metric': {'type': 'MAE'}},
    {'type': 'PerRound', 'metric': {'type': 'HoleMAE'}, 'area_bins': BINS},
    {'type': 'PerRound', 'metric': {'type': 'LPIPS', 'weights': 'none'}, 'area_bins': BINS},
    {'type': 'HoleIoU', 'num_classes': 4, 'area_bins': BINS},
]


def test_both_evaluators_agree(make_sample):
    """mmagic's evaluator (prepared by its loops) and mmengine's, online and offline."""
    samples = [make_sample(seed, size=32) for seed in range(3)]
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
    assert {'PSNR', 'SSIM', 'MAE', 'MAE_hole', 'LPIPS', 'mIoU', 'mIoU_hole'} <= set(offline)
    assert {'round1/LPIPS_10-30_count', 'mIoU_hole_10-30_std', 'MAE_hole_std'} <= set(offline)
