from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fbinpaint_mm.evaluation import CorrectionRate, FinitePSNR
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import (
    hole_area,
    images_to_compare,
    in_full_precision,
    sample_name,
)
from fbinpaint_mm.user_error import UserError


def test_hole_area_is_an_exact_ratio():
    mask = torch.zeros(1, 10, 10)
    mask.view(-1)[:20] = 255
    assert hole_area({'mask': mask}) == 0.2
    assert hole_area({'mask': mask.numpy().astype(np.uint8)}) == 0.2
    assert math.isnan(hole_area({}))


def test_a_sample_is_named_by_its_path_else_by_its_index():
    assert sample_name({'gt_path': 'a.png', 'sample_idx': 3}) == 'a.png'
    assert sample_name({'sample_idx': 0}) == '0'
    assert sample_name({}) == 'a sample without gt_path'


def test_only_half_precision_is_converted(make_sample):
    sample = make_sample(0).to_dict()
    assert in_full_precision(sample, 'pred_img') is sample
    sample['output']['pred_img'] = sample['output']['pred_img'].half()
    found = in_full_precision(sample, 'pred_img')
    assert found['output']['pred_img'].dtype == torch.float32
    assert sample['output']['pred_img'].dtype == torch.half


def test_images_are_checked(make_sample):
    sample = make_sample(4).to_dict()
    truth, image = images_to_compare(sample)
    assert truth.shape == image.shape == (3, 24, 24)
    with pytest.raises(UserError, match=r'00004\.png: the metric needs output\.fake_res; found'):
        images_to_compare(sample, 'fake_res')
    sample['gt_img'] = sample['gt_img'][:, :20]
    with pytest.raises(UserError, match=r'00004\.png: .* found \(3, 20, 24\) \(gt_img\) and'):
        images_to_compare(sample)


def test_a_second_evaluation_forgets_the_first(make_sample):
    metric = FinitePSNR()
    for seeds in ([0, 1, 2], [3]):
        metric.process(None, [make_sample(seed).to_dict() for seed in seeds])
        metric.evaluate(len(seeds))
    assert metric.series[0].samples == ['images/00003.png']
    assert metric.evaluate(0) == {}
    assert metric.series == []


def test_fewer_images_than_the_data_set_has_are_told(make_sample, log):
    metric = FinitePSNR()
    metric.process(None, [make_sample(seed).to_dict() for seed in range(4)])
    metric.evaluate(6)
    assert 'PSNR is the score of 4 of 6 images: the data loader leaves out the others' in log()


def test_that_no_prefix_is_wanted_is_not_warned_of(capfd):
    metric = CorrectionRate()
    assert metric.prefix == ''
    captured = capfd.readouterr()
    assert 'prefix' not in captured.out + captured.err
