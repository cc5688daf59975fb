from __future__ import annotations

import pandas as pd
import pytest

from fbinpaint_mm.benchmark.report.result_table import Cell, check_columns, result_table
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.user_error import UserError


def test_what_is_known_of_no_entry_has_no_column(benchmark_of):
    benchmark = benchmark_of(one=[[20.0, 22.0]], two=[[21.0, 23.0]])
    benchmark.entries[1].trained = dict(iterations=300, images=24)
    results = result_table(ScoreTable(benchmark))
    assert list(results) == ['iterations', 'images', 'PSNR ↑']
    assert list(results.index) == ['one', 'two']
    assert results.at['two', 'iterations'] == Cell('300')
    assert pd.isna(results.at['one', 'iterations'])


def test_cells_hold_scores_as_they_are_printed(benchmark_of):
    benchmark = benchmark_of(one=[[20.0, 10.0]], two=[[19.0, 9.5], [17.0, 8.5]])
    one, two = result_table(ScoreTable(benchmark))['PSNR ↑']
    assert one == Cell('15.00', is_best=True)
    assert two == Cell('13.50', spread='1.06', change='-10.14 % [-15.00, -5.00]')


def test_chosen_columns_come_in_their_order_each_once(fake_table):
    results = result_table(fake_table, ['FID', 'seeds', 'PSNR', 'seeds', 'peak memory'])
    assert list(results) == ['FID ↓', 'seeds', 'PSNR ↑', 'peak memory']
    assert [cell.text for cell in results.loc['feedback']] == ['59.50', '3', '23.09', '312 MiB']


def test_a_chosen_column_without_any_value_stays(benchmark_of):
    results = result_table(ScoreTable(benchmark_of(one=[[1.0]])), ['seeds', 'LPIPS'])
    assert list(results) == ['seeds', 'LPIPS ↓']
    assert results.isna().all(axis=None)


def test_seeds_are_counted_of_models_that_learn(benchmark_of):
    benchmark = benchmark_of(one=[[1.0], [2.0]], telea=[[1.0]])
    for run in benchmark.entries[0].runs:
        run.checkpoint = 'iter_5.pth'
    seeds = result_table(ScoreTable(benchmark))['seeds']
    assert seeds['one'] == Cell('2')
    assert pd.isna(seeds['telea'])


def test_a_mistyped_column_is_refused():
    protocols = [dict(PSNR={}, SSIM={}), dict(FID={})]
    check_columns(None, protocols)
    check_columns(['FID', 'PSNR', 'labeled', 'images/s'], protocols)
    with pytest.raises(UserError, match=r"--columns 'PSNRR' is not a column; there are seeds, .*F"):
        check_columns(['PSNR', 'PSNRR'], protocols)
    check_columns(['of a foreign metric'], [*protocols, {}])
