"""PSNR with a ceiling, and the error in the hole."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from fbinpaint_mm.evaluation import FinitePSNR, HoleMAE


def run(metric, samples):
    metric.process(None, [sample.to_dict() for sample in samples])
    return metric.evaluate(len(samples))


def test_agrees_with_scikit_image(make_sample):
    samples = [make_sample(seed) for seed in range(3)]
    expected = np.mean(
        [
            peak_signal_noise_ratio(
                sample.gt_img.numpy().astype(np.float64),
                sample.output.pred_img.numpy().astype(np.float64),
                data_range=255,
            )
            for sample in samples
        ]
    )
    assert run(FinitePSNR(), samples)['PSNR'] == pytest.approx(expected, abs=1e-4)


def test_identical_images_score_the_ceiling_and_keep_the_mean_finite(make_sample):
    perfect, other = make_sample(0), make_sample(1)
    perfect.output.pred_img = perfect.gt_img.float()
    alone = run(FinitePSNR(), [other])['PSNR']
    both = run(FinitePSNR(), [perfect, other])['PSNR']
    assert both == pytest.approx((100 + alone) / 2, abs=1e-6)


def test_the_ceiling_does_not_touch_ordinary_images_and_covers_float_rounding(make_sample):
    sample = make_sample(0)
    unit = sample.gt_img.float() / 127.5 - 1
    sample.output.pred_img = (unit + 1) * 127.5
    assert run(FinitePSNR(), [sample])['PSNR'] == 100


def test_luma_reads_the_channels_as_bgr(make_sample):
    sample = make_sample(0)
    gt, pred = sample.gt_img.double().numpy(), sample.output.pred_img.double().numpy()
    weights = np.array([24.966, 128.553, 65.481]) / 255  # B, G, R of ITU-R BT.601
    luma = [np.tensordot(weights, image, 1) for image in (gt, pred)]
    expected = 10 * np.log10(255**2 / np.mean((luma[0] - luma[1]) ** 2))
    assert run(FinitePSNR(convert_to='Y'), [sample])['PSNR'] == pytest.approx(expected, abs=1e-2)


def test_counts_the_hole_only(make_sample):
    sample = make_sample(0)
    hole = sample.mask[0] > 0
    error = (sample.gt_img.double() - sample.output.pred_img.double()).abs()
    expected = (error[:, hole] / 255).mean().item()
    sample.output.pred_img = sample.output.pred_img + 50 * (1 - sample.mask)
    assert run(HoleMAE(), [sample]) == {'MAE_hole': pytest.approx(expected, abs=1e-6)}


def test_no_hole_is_no_error(make_sample):
    sample = make_sample(0)
    sample.mask = torch.zeros_like(sample.mask)
    assert run(HoleMAE(), [sample]) == {'MAE_hole': 0}


def test_alone_it_keeps_the_final_series_and_reports_bins(make_sample):
    samples = [make_sample(seed) for seed in range(3)]
    metric = HoleMAE(area_bins=(0.2, 0.4))
    scores = run(metric, samples)
    (series,) = metric.series
    assert (series.metric, series.round, series.higher_is_better) == ('MAE_hole', None, False)
    assert series.samples[2] == 'images/00002.png'
    assert scores == {
        'MAE_hole': series.score(),
        'MAE_hole_std': series.values.std(ddof=1),
        'MAE_hole_count': 3,
        'MAE_hole_20-40': series.score(),
        'MAE_hole_20-40_std': series.values.std(ddof=1),
        'MAE_hole_20-40_count': 3,
    }
