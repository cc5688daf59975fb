from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import gmean, ttest_1samp

from fbinpaint_mm.benchmark.report import statistics
from fbinpaint_mm.benchmark.report.statistics import (
    check_paired,
    relative_change,
    score_interval,
)
from fbinpaint_mm.user_error import UserError

NAN = float('nan')


def random_counts(rng: np.random.Generator, images: int, classes: int) -> np.ndarray:
    union = rng.integers(0, 200, (images, classes))
    return np.stack([rng.binomial(union, 0.6), union], axis=1)


def test_interval_of_three_images_agrees_with_all_their_resamples(make_series):
    """27 equally likely resamples: the bootstrap distribution is known exactly."""
    ours, theirs = np.array([11.0, 26.0, 30.0]), np.array([10.0, 20.0, 30.0])
    resamples = [list(drawn) for drawn in itertools.product(range(3), repeat=3)]
    changes = [gmean(ours[drawn] / theirs[drawn]) - 1 for drawn in resamples]
    found = relative_change([make_series(ours)], [make_series(theirs)])
    assert found.change == pytest.approx((1.1 * 1.3) ** (1 / 3) - 1)
    assert (found.low, found.high) == pytest.approx((min(changes), max(changes)))
    assert np.isnan([found.t_low, found.t_high]).all(), 'one seed says nothing of others'


def test_a_change_that_is_the_same_in_every_image_is_certain(make_series):
    theirs = np.random.default_rng(0).uniform(0.1, 0.4, 30)
    change = relative_change([make_series(theirs * 0.9)], [make_series(theirs)])
    assert change[:3] == pytest.approx((-0.1, -0.1, -0.1))


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
        ours = 1.05 * theirs * np.exp(rng.normal(0, 0.1, 40))
        found = relative_change([make_series(ours)], [make_series(theirs)])
        held += found.low <= 0.05 <= found.high
    assert 0.89 <= held / 150 <= 0.99


@pytest.mark.parametrize('reduction', ['mean', 'iou'])
def test_scores_of_resamples_are_those_of_the_images_that_were_drawn(make_series, reduction):
    rng = np.random.default_rng(4)
    counts = random_counts(rng, 12, 5)
    series = make_series(counts if reduction == 'iou' else rng.normal(size=12), reduction)
    drawn = rng.integers(12, size=(40, 12))
    expected = [series.select(row).score() for row in drawn]
    found = statistics.scores_of_sets([series], statistics.count_draws(drawn))
    np.testing.assert_allclose(found, [expected])


def test_iou_is_resampled_over_images_and_skips_classes_that_do_not_occur(make_series):
    rng = np.random.default_rng(5)
    counts = random_counts(rng, 40, 4)
    counts[:, :, 2] = 0
    better = counts.copy()
    better[:, 0] = np.minimum(better[:, 0] * 1.1, better[:, 1])
    ours, theirs = make_series(better, 'iou'), make_series(counts, 'iou')
    found = relative_change([ours], [theirs])
    assert found.change == pytest.approx(ours.score() / theirs.score() - 1)
    assert 0.05 < found.low < found.change < found.high < 0.12


def two_way(rng: np.random.Generator, seeds: int, images: int) -> np.ndarray:
    """(seeds, images) log ratios around -0.05 with effects of seed, image and both."""
    effects = rng.normal(0, 0.02, (seeds, 1)) + rng.normal(0, 0.1, images)
    return -0.05 + effects + rng.normal(0, 0.03, (seeds, images))


def test_interval_over_images_and_seeds_has_the_variance_of_two_way_resampling(make_series):
    ratios = two_way(np.random.default_rng(6), 8, 100)
    base = np.random.default_rng(7).uniform(0.1, 0.3, ratios.shape)
    ours = map(make_series, base * np.exp(ratios))
    found = relative_change(list(ours), list(map(make_series, base)))
    low, change, high = np.log1p([found.low, found.change, found.high])
    assert change == pytest.approx(ratios.mean())
    assert low < change < high
    # Exact where rows and columns are drawn apart from each other.
    error = np.sqrt(variance_of_resampled_mean(ratios))
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.05)
    # About that of random effects; images alone would have 0.01.
    assert error == pytest.approx(np.sqrt(0.02**2 / 8 + 0.1**2 / 100), rel=0.25)


def variance_of_resampled_mean(values: np.ndarray) -> float:
    rows, columns = (np.full(n, 1 / n) for n in values.shape)
    of_rows, of_columns = (
        (np.diag(one) - np.outer(one, one)) / len(one) for one in (rows, columns)
    )
    return (
        rows @ values @ of_columns @ values.T @ rows
        + columns @ values.T @ of_rows @ values @ columns
        + np.trace(of_rows @ values @ of_columns @ values.T)
    )


def test_interval_over_seeds_agrees_with_the_t_test_of_scipy(make_series):
    ratios = two_way(np.random.default_rng(8), 5, 20)
    found = relative_change([*map(make_series, np.exp(ratios))], [make_series(np.ones(20))] * 5)
    low, high = ttest_1samp(ratios.mean(axis=1), 0).confidence_interval(0.95)
    assert (found.t_low, found.t_high) == pytest.approx((np.expm1(low), np.expm1(high)))


def test_entry_and_reference_are_paired_by_seed(make_series):
    """What a seed does to both sides is no change."""
    rng = np.random.default_rng(9)
    theirs = rng.uniform(0.1, 0.3, 30) * np.exp(rng.normal(0, 0.5, (4, 1)))
    sides = [list(map(make_series, factor * theirs)) for factor in (0.9, 1)]
    assert relative_change(*sides) == pytest.approx([-0.1] * 5)
    low, high = score_interval(sides[1])
    assert high - low > 0.1 * theirs.mean()


def test_other_numbers_of_seeds_are_compared_with_the_mean_of_the_reference(make_series):
    theirs = np.array([10.0, 12.0, 14.0, 20.0])
    seeds = [theirs * factor for factor in (0.9, 1.0, 1.3)]
    reference = [make_series(theirs - 1), make_series(theirs + 1)]
    found = relative_change([*map(make_series, seeds)], reference)
    assert found.change == pytest.approx((0.9 * 1.3) ** (1 / 3) - 1)
    assert found.t_low < found.low < found.change < found.high < found.t_high


def test_holes_of_one_image_belong_together(make_series):
    rng = np.random.default_rng(10)
    theirs, ours = rng.uniform(0.1, 0.3, 20), rng.uniform(0.1, 0.3, 20)
    once = relative_change([make_series(ours)], [make_series(theirs)])
    holes = [make_series(np.repeat(scores, 4)) for scores in (ours, theirs)]
    images = {sample: str(index // 4) for index, sample in enumerate(holes[0].samples)}
    assert relative_change(holes[:1], holes[1:], images) == pytest.approx(once, nan_ok=True)
    assert score_interval(holes[:1], images) == pytest.approx(score_interval([make_series(ours)]))
    apart = relative_change(holes[:1], holes[1:])
    assert apart.high - apart.low == pytest.approx((once.high - once.low) / 2, rel=0.15)


def test_an_image_counts_once_however_many_holes_it_has(make_series):
    ours, theirs = make_series([1.1, 1.1, 1.1, 1.3]), make_series([1.0] * 4)
    images = {sample: 'first' for sample in ours.samples[:3]}
    found = relative_change([ours], [theirs], images)
    assert found.change == pytest.approx(np.sqrt(1.1 * 1.3) - 1)


@pytest.mark.parametrize(
    ('ours', 'theirs', 'expected'),
    [
        ([0.0, 3.0], [1.0, 1.0], 0.5),
        ([-1.0, -1.0], [-2.0, -2.0], 0.5),
        ([0.5, 0.25], [-0.01, 0.51], 0.5),
        ([0.0], [2.0], -1.0),
    ],
)
def test_scores_without_a_log_ratio_are_compared_by_their_mean(make_series, ours, theirs, expected):
    found = relative_change([make_series(ours)], [make_series(theirs)])
    assert found.change == pytest.approx(expected)


def test_images_without_a_score_are_left_out_of_both_sides(make_series):
    theirs = np.array([10.0, 20.0, 30.0, NAN])
    ours = np.array([11.0, NAN, 33.0, 1.0])
    change = relative_change([make_series(ours)], [make_series(theirs)])
    assert change[:3] == pytest.approx((0.1, 0.1, 0.1))


@pytest.mark.parametrize(
    ('ours', 'theirs'), [([1.0, NAN], [NAN, 1.0]), ([], []), ([1.0, 2.0], [0.0, 0.0])]
)
def test_no_change_without_a_common_image_or_against_zero(make_series, ours, theirs):
    change = relative_change([make_series(ours)], [make_series(theirs)])
    assert np.isnan(change).all()


def test_no_change_without_a_reference(make_series):
    assert np.isnan(relative_change([make_series([1.0, 2.0])], [])).all()


def test_one_image_has_a_change_but_no_interval(make_series):
    change = relative_change([make_series([11.0])], [make_series([10.0])])
    assert change == pytest.approx([0.1, *[NAN] * 4], nan_ok=True)
    assert np.isnan(score_interval([make_series([11.0])])).all()


def test_there_is_no_interval_where_a_resample_has_no_change(make_series, recwarn):
    """Here one that draws the first image twice."""
    change = relative_change([make_series([1.0, 1.0])], [make_series([0.0, 1.0])])
    assert change == pytest.approx([1.0, *[NAN] * 4], nan_ok=True)
    assert not recwarn.list


def test_series_over_other_images_are_refused_with_the_first_difference(make_series):
    first = make_series([1.0, 2.0, 3.0])
    renamed = make_series([1.0, 2.0, 3.0], samples=['000.png', 'x.png', 'y.png'])
    with pytest.raises(UserError, match=r"image 1 is 'x.png' and '001.png'; score every entry"):
        check_paired([renamed, first])
    with pytest.raises(UserError, match='2 images against 3'):
        check_paired([make_series([1.0, 2.0]), first])
    moved = make_series([1.0, 2.0, 3.0], hole_areas=np.array([0.1, 0.35, 0.5]))
    with pytest.raises(UserError, match=r"the hole of '002.png' has 0.5000 and 0.6000"):
        check_paired([moved, first])
    check_paired([first, first])


def test_intervals_are_the_same_in_every_run(make_series):
    series = [make_series(np.random.default_rng(0).normal(size=25))]
    assert score_interval(series) == score_interval(series)
