from __future__ import annotations

import pytest
from mmagic.registry import METRICS

from fbinpaint_mm.evaluation import higher_is_better


@pytest.mark.parametrize('name', ['MAE', 'MAE_hole', 'faces/LPIPS', 'FID', 'MSE', 'loss_l1'])
def test_errors_and_distances_should_fall(name):
    assert not higher_is_better(name)


@pytest.mark.parametrize('name', ['PSNR', 'SSIM', 'mIoU', 'faces/mIoU_hole', 'MAE/PSNR'])
def test_all_others_should_rise(name):
    assert higher_is_better(name)


def test_the_caller_may_say_which_fall():
    assert higher_is_better('MAE', falling=['PSNR'])
    assert not higher_is_better('PSNR', falling=['PSNR'])


@pytest.mark.parametrize('kind', ['FinitePSNR', 'HoleMAE', 'HoleIoU', 'LPIPS', 'RoundFID'])
def test_our_metrics_say_the_same_as_their_names(kind):
    found = METRICS.get(kind)
    assert found.higher_is_better == higher_is_better(found.metric)
