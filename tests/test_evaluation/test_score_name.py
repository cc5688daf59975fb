from __future__ import annotations

import pytest

from fbinpaint_mm.evaluation import ScoreName

NAMES = {
    'PSNR': ScoreName('PSNR'),
    'mIoU_hole': ScoreName('mIoU_hole'),
    'round2/PSNR': ScoreName('PSNR', 2),
    'PSNR_std': ScoreName('PSNR', statistic='std'),
    'round1/MAE_hole_10-20': ScoreName('MAE_hole', 1, '10-20'),
    'round10/PSNR_12.5-25_count': ScoreName('PSNR', 10, '12.5-25', 'count'),
    'faces/round0/MAE_hole_50-60_std': ScoreName('faces/MAE_hole', 0, '50-60', 'std'),
    'faces/val/SSIM': ScoreName('faces/val/SSIM'),
}


@pytest.mark.parametrize('text', NAMES)
def test_text_and_parts_belong_together(text):
    assert ScoreName.parse(text) == NAMES[text]
    assert str(NAMES[text]) == text


def test_other_text_is_a_metric_as_a_whole():
    for text in ('', 'faces/', '_std'):
        assert ScoreName.parse(text).metric == text
