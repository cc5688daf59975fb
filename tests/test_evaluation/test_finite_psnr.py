from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from fbinpaint_mm.evaluation import FinitePSNR


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
    assert run(FinitePSNR(max_psnr=60), [sample])['PSNR'] == 60


@pytest.mark.parametrize('ceiling', [0, -1, float('inf'), float('nan')])
def test_refuses_a_senseless_ceiling(ceiling):
    with pytest.raises(ValueError, match='max_psnr must be a positive finite number of dB'):
        FinitePSNR(max_psnr=ceiling)


def test_luma_reads_the_channels_as_bgr(make_sample):
    sample = make_sample(0)
    gt, pred = sample.gt_img.double().numpy(), sample.output.pred_img.double().numpy()
    weights = np.array([24.966, 128.553, 65.481]) / 255  # B, G, R of ITU-R BT.601
    luma = [np.tensordot(weights, image, 1) for image in (gt, pred)]
    expected = 10 * np.log10(255**2 / np.mean((luma[0] - luma[1]) ** 2))
    assert run(FinitePSNR(convert_to='Y'), [sample])['PSNR'] == pytest.approx(expected, abs=1e-2)


def test_is_found_by_its_name():
    from mmagic.registry import METRICS

    assert isinstance(METRICS.build({'type': 'FinitePSNR', 'crop_border': 2}), FinitePSNR)
