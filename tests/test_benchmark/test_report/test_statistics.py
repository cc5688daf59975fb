from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fbinpaint_mm.benchmark.report import statistics
from fbinpaint_mm.benchmark.report.statistics import (
    relative_change,
    score_interval,
    spread_over_seeds,
)

NAN = float('nan')


def random_counts(rng: np.random.Generator, images: int, classes: int) -> np.ndarray:
    union = rng.integers(0, 200, (images, classes))
    return np.stack([rng.binomial(union, 0.6), union], axis=1)


def change_of_means(ours, theirs, axis=-1):
    base = np.mean(theirs, axis=axis)
    return (np.mean(ours, axis=axis) - base) / np.abs(base)


def test_change_and_interval_agree_with_scipy(make_series):
    rng = np.random.default_rng(1)
    theirs = rng.normal(20, 4, 60)
    ours = theirs + rng.normal(0.4, 1.0, 60)
    change = relative_change([make_series(ours)], [make_series(theirs)])
    oracle = stats.bootstrap(
        (ours, theirs),
        change_of_means,
        paired=True,
        method='percentile',
        n_resamples=20_000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    width = oracle.high - oracle.low
    assert change.relative == pytest.approx(change_of_means(ours, theirs))
    assert change.low == pytest.approx(oracle.low, abs=0.06 * width)
    assert change.high == pytest.approx(oracle.high, abs=0.06 * width)
    assert change.confidence == 0.95


def test_a_change_that_is_the_same_in_every_image_is_certain(make_series):
    theirs = np.random.default_rng(0).uniform(0.1, 0.4, 30)
    change = relative_change([make_series(theirs * 0.9)], [make_series(theirs)])
    assert (change.relative, change.low, change.high) == pytest.approx((-0.1, -0.1, -0.1))


def test_interval_of_a_mean_is_the_normal_one_for_many_images(make_series):
    values = np.random.default_rng(0).normal(20, 3, 400)
    low, high = score_interval([make_series(values)])
    error = values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.12 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.12 * error)


def test_interval_holds_the_true_change_about_as_often_as_it_says(make_series):
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(150):
        theirs = rng.normal(10, 2, 40)
        ours = 1.05 * theirs + rng.normal(0, 1, 40)
        change = relative_change([make_series(ours)], [make_series(theirs)])
        held += change.low <= 0.05 <= change.high
    assert 0.89 <= held / 150 <= 0.99


@pytest.mark.parametrize('reduction', ['mean', 'iou'])
def test_resampled_scores_are_the_scores_of_the_images_that_were_drawn(make_series, reduction):
    rng = np.random.default_rng(4)
    counts = random_counts(rng, 12, 5)
    series = make_series(counts if reduction == 'iou' else rng.normal(size=12), reduction)
    drawn = statistics.resample_counts(12)[:40]
    expected = [series.select(np.repeat(np.arange(12), row)).score() for row in drawn]
    np.testing.assert_allclose(statistics.resampled_scores(series)[:40], expected)
    assert (statistics.resample_counts(12).sum(axis=1) == 12).all()


def test_iou_is_resampled_over_images_and_skips_classes_that_do_not_occur(make_series):
    rng = np.random.default_rng(5)
    counts = random_counts(rng, 40, 4)
    counts[:, :, 2] = 0
    better = counts.copy()
    better[:, 0] = np.minimum(better[:, 0] * 1.1, better[:, 1])
    ours, theirs = make_series(better, 'iou'), make_series(counts, 'iou')
    change = relative_change([ours], [theirs])
    assert change.relative == pytest.approx(ours.score() / theirs.score() - 1)
    assert 0.05 < change.low < change.relative < change.high < 0.12


def test_seeds_are_averaged_before_they_are_compared(make_series):
    theirs = np.array([10.0, 12.0, 14.0, 20.0])
    seeds = [make_series(theirs + shift) for shift in (-1.0, 0.0, 4.0)]
    change = relative_change(seeds, [make_series(theirs - 1), make_series(theirs + 1)])
    assert change.relative == pytest.approx(1 / 14)
    one = relative_change([make_series(theirs + 1)], [make_series(theirs)])
    assert (change.low, change.high) == pytest.approx((one.low, one.high))


def test_images_without_a_score_are_left_out_of_both_sides(make_series):
    theirs = np.array([10.0, 20.0, 30.0, NAN])
    ours = np.array([11.0, NAN, 33.0, 1.0])
    change = relative_change([make_series(ours)], [make_series(theirs)])
    assert (change.relative, change.low, change.high) == pytest.approx((0.1, 0.1, 0.1))


@pytest.mark.parametrize(
    ('ours', 'theirs'), [([1.0, NAN], [NAN, 1.0]), ([], []), ([1.0, 2.0], [0.0, 0.0])]
)
def test_no_change_without_a_common_image_or_against_zero(make_series, ours, theirs):
    assert relative_change([make_series(ours)], [make_series(theirs)]) is None


def test_one_image_has_a_change_but_no_interval(make_series):
    change = relative_change([make_series([11.0])], [make_series([10.0])])
    assert change.relative == pytest.approx(0.1)
    assert (change.low, change.high) == (None, None)
    assert score_interval([make_series([11.0])]) is None


def test_an_interval_that_is_not_finite_is_none(make_series):
    change = relative_change([make_series([1.0, 1.0])], [make_series([0.0, 1.0])])
    assert change.relative == pytest.approx(1.0)
    assert (change.low, change.high) == (None, None)


def test_series_over_other_images_are_refused_with_the_first_difference(make_series):
    first = make_series([1.0, 2.0, 3.0])
    renamed = make_series([1.0, 2.0, 3.0], samples=['000.png', 'x.png', 'y.png'])
    with pytest.raises(ValueError, match=r"image 1 is 'x.png' and '001.png'; score every entry"):
        relative_change([renamed], [first])
    with pytest.raises(ValueError, match='2 images against 3'):
        relative_change([make_series([1.0, 2.0])], [first])
    moved = make_series([1.0, 2.0, 3.0], hole_areas=np.array([0.1, 0.35, 0.5]))
    with pytest.raises(ValueError, match=r"the hole of '002.png' has 0.5000 and 0.6000"):
        relative_change([moved], [first])


def test_intervals_are_the_same_in_every_run(make_series):
    series = [make_series(np.random.default_rng(0).normal(size=25))]
    first = score_interval(series)
    statistics.resample_counts.cache_clear()
    assert score_interval(series) == first


def test_spread_over_seeds():
    spread = spread_over_seeds([20.0, 22.0, NAN, 21.0])
    assert (spread.mean, spread.std, spread.seeds) == (21.0, 1.0, 3)
    one = spread_over_seeds([20.0])
    assert (one.mean, one.std, one.seeds) == (20.0, None, 1)
    assert np.isnan(spread_over_seeds([]).mean)
