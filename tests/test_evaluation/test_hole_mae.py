from __future__ import annotations

import pytest
import torch

from fbinpaint_mm.evaluation import HoleMAE


def run(metric, sample):
    metric.process(None, [sample.to_dict()])
    return metric.evaluate(1)


def test_counts_the_hole_only(make_sample):
    sample = make_sample(0)
    hole = sample.mask[0] > 0
    error = (sample.gt_img.double() - sample.output.pred_img.double()).abs()
    expected = (error[:, hole] / 255).mean().item()
    sample.output.pred_img = sample.output.pred_img + 50 * (1 - sample.mask)
    assert run(HoleMAE(), sample) == {'MAE_hole': pytest.approx(expected, abs=1e-6)}


def test_no_hole_is_no_error(make_sample):
    sample = make_sample(0)
    sample.mask = torch.zeros_like(sample.mask)
    assert run(HoleMAE(), sample) == {'MAE_hole': 0}


def test_alone_it_keeps_the_final_series_and_reports_bins(make_sample):
    samples = [make_sample(seed) for seed in range(3)]
    metric = HoleMAE(area_bins=(0.2, 0.4))
    metric.process(None, [sample.to_dict() for sample in samples])
    scores = metric.evaluate(3)
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
