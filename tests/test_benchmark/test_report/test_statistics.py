from __future__ import annotations

import itertools

import numpy as np
import pytest

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
    changes = [ours[drawn].mean() / theirs[drawn].mean() - 1 for drawn in resamples]
    change, low, high = relative_change([make_series(ours)], [make_series(theirs)])
    assert change == pytest.approx(7 / 60)
    assert (low, high) == pytest.approx((min(changes), max(changes)))


def test_a_change_that_is_the_same_in_every_image_is_certain(make_series):
    theirs = np.random.default_rng(0).uniform(0.1, 0.4, 30)
    change = relative_change([make_series(theirs * 0.9)], [make_series(theirs)])
    assert change == pytest.approx((-0.1, -0.1, -0.1))


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
        _, low, high = relative_change([make_series(ours)], [make_series(theirs)])
        held += low <= 0.05 <= high
    assert 0.89 <= held / 150 <= 0.99


@pytest.mark.parametrize('reduction', ['mean', 'iou'])
def test_scores_of_resamples_are_those_of_the_images_that_were_drawn(make_series, reduction):
    rng = np.random.default_rng(4)
    counts = random_counts(rng, 12, 5)
    series = make_series(counts if reduction == 'iou' else rng.normal(size=12), reduction)
    drawn = rng.integers(12, size=(40, 12))
    expected = [series.select(row).score() for row in drawn]
    found = statistics.mean_score([series], statistics.count_draws(drawn))
    np.testing.assert_allclose(found, expected)


def test_iou_is_resampled_over_images_and_skips_classes_that_do_not_occur(make_series):
    rng = np.random.default_rng(5)
    counts = random_counts(rng, 40, 4)
    counts[:, :, 2] = 0
    better = counts.copy()
    better[:, 0] = np.minimum(better[:, 0] * 1.1, better[:, 1])
    ours, theirs = make_series(better, 'iou'), make_series(counts, 'iou')
    change, low, high = relative_change([ours], [theirs])
    assert change == pytest.approx(ours.score() / theirs.score() - 1)
    assert 0.05 < low < change < high < 0.12


def test_seeds_are_averaged_before_they_are_compared(make_series):
    theirs = np.array([10.0, 12.0, 14.0, 20.0])
    seeds = [make_series(theirs + shift) for shift in (-1.0, 0.0, 4.0)]
    change = relative_change(seeds, [make_series(theirs - 1), make_series(theirs + 1)])
    assert change[0] == pytest.approx(1 / 14)
    assert change == pytest.approx(
        relative_change([make_series(theirs + 1)], [make_series(theirs)])
    )


def test_images_without_a_score_are_left_out_of_both_sides(make_series):
    theirs = np.array([10.0, 20.0, 30.0, NAN])
    ours = np.array([11.0, NAN, 33.0, 1.0])
    change = relative_change([make_series(ours)], [make_series(theirs)])
    assert change == pytest.approx((0.1, 0.1, 0.1))


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
    assert change == pytest.approx((0.1, NAN, NAN), nan_ok=True)
    assert np.isnan(score_interval([make_series([11.0])])).all()


def test_there_is_no_interval_where_a_resample_has_no_change(make_series, recwarn):
    """Here one that draws the first image twice."""
    change = relative_change([make_series([1.0, 1.0])], [make_series([0.0, 1.0])])
    assert change == pytest.approx((1.0, NAN, NAN), nan_ok=True)
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
