from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fbinpaint_mm.evaluation import HoleAreaBins, ScoreSeries, summarise


def make_series(values, areas, metric='PSNR', round_index=None):
    names = [str(index) for index in range(len(values))]
    return ScoreSeries(metric, round_index, names, np.array(areas), np.array(values, dtype=float))


def test_without_bins_there_is_one_score_for_each_series():
    series = [make_series([1, 2], [0.1, 0.2], round_index=0), make_series([3, 5], [0.1, 0.2])]
    assert summarise(series) == {'round0/PSNR': 1.5, 'PSNR': 4.0}
    assert summarise([]) == {}


def test_bins_against_scipy():
    generator = np.random.default_rng(0)
    values, areas = generator.normal(size=50), generator.uniform(0.05, 0.65, size=50)
    scores = summarise([make_series(values, areas, round_index=1)], HoleAreaBins())
    means, edges, numbers = stats.binned_statistic(areas, values, bins=np.arange(1, 7) / 10)
    for index, name in enumerate(HoleAreaBins(edges).names):
        inside = values[numbers == index + 1]
        assert scores[f'round1/PSNR_{name}'] == pytest.approx(means[index])
        assert scores[f'round1/PSNR_{name}_count'] == len(inside)
        assert scores[f'round1/PSNR_{name}_std'] == pytest.approx(stats.tstd(inside))
    assert scores['round1/PSNR'] == pytest.approx(values.mean())
    assert scores['round1/PSNR_std'] == pytest.approx(stats.tstd(values))
    assert scores['round1/PSNR_count'] == 50
    assert sum(scores[f'round1/PSNR_{name}_count'] for name in HoleAreaBins().names) < 50


def test_images_without_a_score_do_not_count():
    scores = summarise([make_series([1, np.nan, 4], [0.1, 0.1, 0.5])], HoleAreaBins((0.1, 0.3, 1)))
    assert scores == {
        'PSNR': 2.5,
        'PSNR_std': pytest.approx(np.std([1, 4], ddof=1)),
        'PSNR_count': 2,
        'PSNR_10-30': 1,
        'PSNR_10-30_std': 0,
        'PSNR_10-30_count': 1,
        'PSNR_30-100': 4,
        'PSNR_30-100_std': 0,
        'PSNR_30-100_count': 1,
    }


def test_an_empty_bin_has_a_count_of_0_and_no_score():
    scores = summarise([make_series([1, 2], [0.1, np.nan])], HoleAreaBins((0.1, 0.2, 0.3)))
    assert scores['PSNR_20-30_count'] == 0
    assert not {'PSNR_20-30', 'PSNR_20-30_std'} & set(scores)
    nothing = summarise([make_series([np.nan], [0.1])], HoleAreaBins((0.1, 0.2)))
    assert nothing == {'PSNR_count': 0, 'PSNR_10-20_count': 0}
