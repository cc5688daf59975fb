from __future__ import annotations

import json

import numpy as np
import pytest

from fbinpaint_mm.evaluation import ScoreSeries


@pytest.fixture
def series():
    return ScoreSeries('PSNR', 1, ['a', 'b', 'c'], np.array([0.1, 0.2, 0.3]), np.array([1, 2, 6.0]))


@pytest.fixture
def counts():
    """Two images and two classes; the second image is unlabelled."""
    items = np.array([[[3, 1], [4, 4]], [[0, 0], [0, 0]]], dtype=float)
    areas = np.array([0.1, np.nan])
    return ScoreSeries('mIoU', None, ['a', 'b'], areas, items, reduction='iou')


def test_score_is_the_mean_over_images_that_have_one(series):
    assert series.score() == 3
    series.items[2] = np.nan
    assert series.score() == 1.5
    series.items[:] = np.nan
    assert np.isnan(series.score())


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


def test_json_gives_the_same_series_back(series, counts):
    series.items[1] = np.nan
    for one in (series, counts):
        stored = json.loads(json.dumps(one.to_dict()))
        found = ScoreSeries.from_dict(stored)
        np.testing.assert_array_equal(found.items, one.items)
        np.testing.assert_array_equal(found.hole_areas, one.hole_areas)
        assert (found.metric, found.round, found.samples) == (one.metric, one.round, one.samples)
        assert found.reduction == one.reduction


def test_an_infinite_score_is_left_out_before_and_after_storing():
    series = ScoreSeries('PSNR', None, ['a', 'b'], np.array([0.1, 0.2]), np.array([np.inf, 20.0]))
    stored = ScoreSeries.from_dict(json.loads(json.dumps(series.to_dict())))
    assert series.score() == stored.score() == 20.0
    assert np.isnan(series.values[0])
