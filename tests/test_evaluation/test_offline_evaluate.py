"""Scores of pictures in folders, as tools/README.md shows them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from skimage.metrics import peak_signal_noise_ratio


def planes(path, flag=cv2.IMREAD_COLOR):
    picture = cv2.imread(str(path), flag)
    return torch.from_numpy(picture.reshape(*picture.shape[:2], -1)).permute(2, 0, 1)


def test_pictures_of_any_method_are_scored_offline(tmp_path):
    random, expected = np.random.default_rng(0), []
    for index in range(3):
        image = random.integers(0, 256, (32, 40, 3), dtype=np.uint8)
        hole = np.zeros((32, 40), np.uint8)
        hole[: 8 * (index + 1)] = 255
        result = np.where(hole[..., None] > 0, np.uint8(index), image)
        expected.append(peak_signal_noise_ratio(image, result))
        for folder, picture in (('truth', image), ('holes', hole), ('results', result)):
            (tmp_path / folder).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / folder / f'{index}.png'), picture)
    with DefaultScope.overwrite_default_scope('mmagic'):
        evaluator = Evaluator(
            [
                dict(type='PerRound', metric=dict(type='FinitePSNR'), area_bins=(0.2, 0.4, 0.8)),
                dict(type='PerRound', metric=dict(type='SSIM')),
                dict(type='HoleMAE'),
                dict(type='LPIPS', weights='none'),
            ]
        )
    scores = evaluator.offline_evaluate(
        dict(
            gt_path=path.name,
            gt_img=planes(path),
            mask=planes(tmp_path / 'holes' / path.name, cv2.IMREAD_GRAYSCALE),
            output=dict(pred_img=planes(tmp_path / 'results' / path.name)),
        )
        for path in sorted((tmp_path / 'truth').iterdir())
    )
    assert scores['PSNR'] == pytest.approx(np.mean(expected), abs=1e-4)
    assert scores['PSNR_count'] == 3
    assert scores['PSNR_20-40'] == pytest.approx(expected[0], abs=1e-4)
    assert scores['PSNR_40-80_count'] == 2
    assert {'SSIM', 'MAE_hole', 'LPIPS'} <= set(scores)
    assert evaluator.metrics[0].series[0].samples == ['0.png', '1.png', '2.png']
