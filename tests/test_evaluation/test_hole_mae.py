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
