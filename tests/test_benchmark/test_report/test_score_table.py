from __future__ import annotations

import math

import numpy as np
import pytest

from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.benchmark.results import EntryResult, RunResult
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.user_error import UserError

HALVES = HoleAreaBins((0.1, 0.35, 0.6))


def test_scores_of_the_set_and_of_each_bin(benchmark_of):
    benchmark = benchmark_of(one=[[20.0, 22.0, 30.0, 34.0]], two=[[22.0, 24.2, 33.0, 37.4]])
    table = ScoreTable(benchmark, HALVES)
    assert table.bins == ('all', '10-35', '35-60')
    low = table.find('two', 'PSNR', '10-35')
    assert (low.mean, low.count) == (pytest.approx(23.1), 2)
    assert low.std == pytest.approx(np.std([22.0, 24.2], ddof=1))
    assert low.change == pytest.approx(0.1)
    assert low.change_low == pytest.approx(0.1)
    whole = table.find('two', 'PSNR')
    assert whole.mean == pytest.approx(29.15)
    assert whole.low < 29.15 < whole.high


def test_an_image_outside_every_bin_counts_overall(benchmark_of):
    table = ScoreTable(benchmark_of(one=[[1.0, 2.0, 3.0, 6.0]]), HoleAreaBins((0.1, 0.35)))
    assert table.find('one', 'PSNR').count == 4
    assert table.find('one', 'PSNR', '10-35').count == 2


def test_a_bin_without_images_has_a_count_of_zero_and_no_score(benchmark_of):
    table = ScoreTable(benchmark_of(one=[[1.0, 2.0]], two=[[1.0, 2.0]]), HoleAreaBins((0.7, 0.8)))
    empty = table.find('two', 'PSNR', '70-80')
    assert (empty.count, empty.seeds) == (0, 0)
    assert np.isnan([empty.mean, empty.low, empty.change, empty.change_low]).all()


def test_spread_over_images_is_averaged_over_seeds(benchmark_of):
    table = ScoreTable(benchmark_of(one=[[1.0, 3.0], [2.0, 8.0]]), HALVES)
    one = table.find('one', 'PSNR')
    assert one.std == pytest.approx((math.sqrt(2) + math.sqrt(18)) / 2)
    assert one.seed_std == pytest.approx(np.std([2.0, 5.0], ddof=1))
    assert (one.seeds, one.per_seed) == (2, [2.0, 5.0])


def test_a_mean_never_leaves_out_a_seed(benchmark_of):
    benchmark = benchmark_of(one=[[1.0], [2.0], [4.0]])
    for run, fid in zip(benchmark.entries[0].runs, (50.0, math.nan, 70.0), strict=True):
        run.set_scores = {'FID': fid}
    fid = ScoreTable(benchmark, HALVES).find('one', 'FID')
    assert np.isnan([fid.mean, fid.seed_std]).all()
    assert fid.seeds == 2


def test_rounds_are_compared_with_the_final_result_of_the_reference(fake_table, fake_benchmark):
    final, last, first = (
        fake_table.find('feedback', 'PSNR', round_index=index) for index in (None, 3, 0)
    )
    assert last.change == final.change
    base = fake_table.find('one_way', 'PSNR')
    series = fake_benchmark.entry('feedback').series('PSNR', 0)
    pairs = zip(series, fake_benchmark.entry('one_way').series('PSNR'), strict=True)
    ratios = [np.log(ours.items / theirs.items) for ours, theirs in pairs]
    assert first.change == pytest.approx(np.expm1(np.mean(ratios)))
    assert first.change_t_low < first.change < first.change_t_high
    assert np.isnan([base.change, base.change_low, base.change_high]).all()
    assert fake_table.find('feedback', 'mIoU_hole', round_index=0) is None


def test_metrics_of_a_whole_set_have_neither_bins_nor_intervals(fake_table):
    fid = fake_table.find('feedback', 'FID')
    assert (fid.mean, fid.seeds, fid.seed_std, fid.count) == (pytest.approx(59.5), 3, 0.0, 24)
    assert fid.change == pytest.approx(-0.5 / 60)
    assert np.isnan([fid.std, fid.low, fid.high, fid.change_low, fid.change_high]).all()
    assert math.isnan(fake_table.find('one_way', 'FID').change)
    assert fake_table.find('feedback', 'FID', '10-20') is None
    assert 'FID' not in fake_table.image_metrics()
    assert fake_table.image_metrics('LPIPS', 'other')[:2] == ['LPIPS', 'PSNR']


def test_rounds_of_a_metric_of_a_whole_set_are_read_from_its_name(benchmark_of):
    benchmark = benchmark_of(one=[[1.0, 2.0]])
    benchmark.entries[0].runs[0].set_scores = {'round1/FID': 50.0, 'FID': 40.0}
    table = ScoreTable(benchmark, HALVES)
    assert table.find('one', 'FID', round_index=1).mean == 50.0
    assert table.find('one', 'FID').mean == 40.0
    assert table.headline('FID') == 'FID ↓'


def test_holes_of_an_image_are_resampled_together(benchmark_of):
    scores = dict(one=[[1.0, 1.0, 2.0, 2.0]], two=[[2.0, 2.0, 2.0, 2.0]])
    benchmark = benchmark_of(**scores)
    apart = ScoreTable(benchmark, HALVES).find('two', 'PSNR')
    benchmark.data.images = ['a.png', 'a.png', 'b.png', 'b.png']
    together = ScoreTable(benchmark, HALVES).find('two', 'PSNR')
    assert together.change == apart.change
    assert (together.change_low, together.change_high) == pytest.approx((0, 1))
    one = ScoreTable(benchmark, HALVES).find('one', 'PSNR')
    assert (one.low, one.high) == pytest.approx((1, 2))


def test_metrics_come_in_the_order_of_the_protocol(fake_table):
    expected = ['PSNR', 'SSIM', 'LPIPS', 'MAE_hole', 'mIoU_hole', 'FID']
    assert fake_table.metrics == expected
    assert [fake_table.higher_is_better(name) for name in expected] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]


def test_rows_are_in_order_with_one_for_each_seed(fake_table):
    frame = fake_table.seeds
    keys = ['entry', 'metric', 'round', 'bin']
    assert list(frame) == ['entry', 'seed', 'round', 'metric', 'bin', 'mean', 'std', 'count']
    assert not frame.duplicated([*keys, 'seed']).any()
    ours = frame.query('entry == "feedback" and metric == "PSNR"')
    assert list(ours['round'].unique()) == [0, 1, 2, 3, 'final']
    assert list(ours['bin'].unique()) == list(fake_table.bins)
    assert list(ours['seed'][:3]) == [0, 1, 2]
    assert len(ours) == 3 * 5 * 6


def test_rows_are_selected_by_some_of_their_keys(fake_table):
    final = fake_table.select(metric='mIoU_hole', round='final', bin='all')
    assert list(final.index) == ['feedback']
    assert final['mean'].item() == fake_table.find('feedback', 'mIoU_hole').mean


def test_failed_entries_are_not_among_the_scored(fake_table):
    assert 'broken' not in fake_table.entries
    assert fake_table.entries[0] == 'one_way'


def test_without_scores_of_the_reference_there_are_no_changes(benchmark_of):
    benchmark = benchmark_of(one=[[1.0, 2.0]])
    benchmark.entries.append(EntryResult('lost', 'lost.py', error='out of memory'))
    benchmark.reference = 'lost'
    table = ScoreTable(benchmark, HALVES)
    assert math.isnan(table.find('one', 'PSNR').change)


def test_seeds_over_other_images_are_refused(benchmark_of, make_series):
    benchmark = benchmark_of(one=[[1.0, 2.0]])
    benchmark.entries[0].runs.append(RunResult(1, None, [make_series([1.0, 2.0, 3.0])]))
    with pytest.raises(UserError, match='2 images against 3; score every entry on the same'):
        ScoreTable(benchmark, HALVES)
