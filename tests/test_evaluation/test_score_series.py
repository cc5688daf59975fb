"""Scores: names, directions, and what is made of the images of a set."""

from __future__ import annotations

import json

import numpy as np
import pytest
from mmagic.registry import METRICS
from scipy import stats

from fbinpaint_mm.evaluation import (
    HoleAreaBins,
    ScoreName,
    ScoreSeries,
    higher_is_better,
    summarize,
)
from fbinpaint_mm.evaluation.score_series import check_finite, name_some
from fbinpaint_mm.user_error import UserError

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


@pytest.fixture
def series():
    return ScoreSeries('PSNR', 1, ['a', 'b', 'c'], np.array([0.1, 0.2, 0.3]), np.array([1, 2, 6.0]))


@pytest.fixture
def counts():
    """Two images and two classes; the second image is unlabeled."""
    items = np.array([[[3, 1], [4, 4]], [[0, 0], [0, 0]]], dtype=float)
    areas = np.array([0.1, np.nan])
    return ScoreSeries('mIoU', None, ['a', 'b'], areas, items, reduction='iou')


@pytest.mark.parametrize('broken', [np.nan, np.inf, -np.inf])
def test_one_image_without_a_finite_score_leaves_none_of_the_set(series, broken):
    assert (series.score(), series.unscored) == (3, [])
    series.items[1] = broken
    assert np.isnan(series.score())
    assert series.unscored == ['b']
    assert series.select([0, 2]).score() == 3.5


def test_selected_images_may_repeat(series):
    chosen = series.select([2, 2, 0])
    assert (chosen.samples, chosen.items.tolist()) == (['c', 'c', 'a'], [6, 6, 1])
    masked = series.select(np.array([True, False, True]))
    assert (masked.samples, masked.hole_areas.tolist()) == (['a', 'c'], [0.1, 0.3])
    assert len(series.select([])) == 0


def test_counts_are_summed_before_they_are_divided(counts):
    assert counts.score() == pytest.approx(100 * (3 / 4 + 1 / 4) / 2)
    np.testing.assert_allclose(counts.values, [50, np.nan])
    assert np.isnan(counts.select([1]).score())
    assert counts.unscored == []
    counts.items[1] = np.nan
    assert np.isnan(counts.score())
    assert counts.unscored == ['b']


def test_json_gives_the_same_series_back(series, counts):
    series.items[1] = np.nan
    for one in (series, counts):
        stored = json.loads(json.dumps(one.to_dict()))
        found = ScoreSeries.from_dict(stored)
        np.testing.assert_array_equal(found.items, one.items)
        np.testing.assert_array_equal(found.hole_areas, one.hole_areas)
        assert (found.metric, found.round, found.samples) == (one.metric, one.round, one.samples)
        assert found.reduction == one.reduction


def test_a_stored_series_has_no_score_where_it_had_none():
    series = ScoreSeries('PSNR', None, ['a', 'b'], np.array([0.1, 0.2]), np.array([np.inf, 20.0]))
    stored = ScoreSeries.from_dict(json.loads(json.dumps(series.to_dict())))
    assert stored.unscored == ['a']
    assert np.isnan([series.score(), stored.score(), series.values[0]]).all()


def make_series(values, areas, metric='PSNR', round_index=None):
    names = [str(index) for index in range(len(values))]
    return ScoreSeries(metric, round_index, names, np.array(areas), np.array(values, dtype=float))


def test_without_bins_there_is_one_score_for_each_series():
    series = [make_series([1, 2], [0.1, 0.2], round_index=0), make_series([3, 5], [0.1, 0.2])]
    assert summarize(series) == {'round0/PSNR': 1.5, 'PSNR': 4.0}
    assert summarize([]) == {}


def test_bins_against_scipy():
    generator = np.random.default_rng(0)
    values, areas = generator.normal(size=50), generator.uniform(0.05, 0.65, size=50)
    scores = summarize([make_series(values, areas, round_index=1)], HoleAreaBins())
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


def test_an_image_without_a_score_leaves_none_of_its_bin():
    scores = summarize([make_series([1, np.nan, 4], [0.1, 0.1, 0.5])], HoleAreaBins((0.1, 0.3, 1)))
    expected = {
        'PSNR': np.nan,
        'PSNR_std': np.nan,
        'PSNR_count': 2,
        'PSNR_10-30': np.nan,
        'PSNR_10-30_std': np.nan,
        'PSNR_10-30_count': 1,
        'PSNR_30-100': 4,
        'PSNR_30-100_std': 0,
        'PSNR_30-100_count': 1,
    }
    assert scores == pytest.approx(expected, nan_ok=True)


def test_images_without_a_labeled_pixel_do_not_count(counts):
    scores = summarize([counts], HoleAreaBins((0.1, 1)))
    assert (scores['mIoU'], scores['mIoU_std'], scores['mIoU_count']) == (50, 0, 1)


def test_an_empty_bin_has_a_count_of_0_and_no_score():
    scores = summarize([make_series([1, 2], [0.1, np.nan])], HoleAreaBins((0.1, 0.2, 0.3)))
    assert scores['PSNR_20-30_count'] == 0
    assert not {'PSNR_20-30', 'PSNR_20-30_std'} & set(scores)


def test_scores_that_are_not_finite_are_named():
    check_finite({'PSNR': 20.0, 'count': 3, 'name': 'nan'})
    scores = {'PSNR': 20, 'round1/PSNR_std': np.float32('nan'), 'a/MAE': float('inf')}
    with pytest.raises(UserError, match=r'^no finite PSNR, a/MAE; the log names the images'):
        check_finite({**scores, 'round2/PSNR': float('nan')})


def test_long_lists_are_cut():
    assert name_some(list('abcde')) == 'a, b, c, d, e'
    assert name_some(list('abcdefg')) == 'a, b, c, d, e and 2 more'
