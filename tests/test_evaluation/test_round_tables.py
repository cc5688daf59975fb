"""Scores as text."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.evaluation.round_tables import (
    format_bin_tables,
    format_correction_table,
    format_round_table,
)


def cells_of(table):
    lines = table.splitlines()
    return [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines if '|' in line]


def test_without_a_score_there_is_no_table():
    assert format_round_table({'PSNR_10-20_count': 3, 'PSNR_std': 1.0}) == ''


def test_table_has_rounds_as_columns_and_marks_better_and_worse():
    scores = {'round0/PSNR': 20, 'round1/PSNR': 21, 'round2/PSNR': 20.5, 'PSNR': 20.5}
    scores |= {'round0/MAE': 0.2, 'round1/MAE': 0.1, 'round2/MAE': 0.1, 'MAE': 0.1}
    scores |= {'round1/mIoU_hole': 30, 'round2/mIoU_hole': 33, 'mIoU_hole': 33}
    assert cells_of(format_round_table(scores, ['MAE'])) == [
        ['', 'round 0', 'round 1', 'round 2'],
        ['PSNR', '20.0000', '21.0000 ▲', '20.5000 ▼'],
        ['MAE', '0.2000', '0.1000 ▲', '0.1000'],
        ['mIoU_hole', '-', '30.0000', '33.0000 ▲'],
    ]


def test_scores_without_rounds_get_a_final_column_and_prefixes_stay():
    scores = {'faces/round0/PSNR': 20, 'faces/PSNR': 21, 'FID': 40.0}
    assert cells_of(format_round_table(scores)) == [
        ['', 'round 0', 'final'],
        ['faces/PSNR', '20.0000', '21.0000 ▲'],
        ['FID', '-', '40.0000'],
    ]


def test_a_difference_that_the_digits_do_not_show_has_no_mark():
    scores = {'round0/PSNR': 19.18256, 'round1/PSNR': 19.18264, 'round2/PSNR': 19.18266}
    *_, row = cells_of(format_round_table(scores))
    assert row == ['PSNR', '19.1826', '19.1826', '19.1827 ▲']


def test_a_score_that_is_no_number_is_no_progress():
    scores = {'round0/LPIPS': 0.2, 'round1/LPIPS': float('nan'), 'round2/LPIPS': 0.1}
    *_, row = cells_of(format_round_table(scores))
    assert row == ['LPIPS', '0.2000', 'nan', '0.1000']


def test_spreads_counts_and_bins_stay_out_of_the_table_of_rounds():
    scores = {'PSNR': 20, 'PSNR_std': 1.5, 'PSNR_count': 8, 'PSNR_10-20': 23, 'PSNR_10-20_std': 1}
    assert cells_of(format_round_table(scores)) == [['', 'final'], ['PSNR', '20.0000']]


def test_bins_are_rows_and_their_count_is_a_column():
    scores = {'MAE': 0.2, 'round0/MAE_10-20': 0.2, 'round0/MAE_20-30_count': 0}
    scores |= {'round1/MAE_10-20': 0.1, 'MAE_10-20': 0.1, 'MAE_10-20_std': 0.01}
    scores |= {'round1/MAE_20-30': 0.4, 'MAE_20-30': 0.4, 'MAE_10-20_count': 7}
    scores |= {'MAE_20-30_count': 1, 'faces/PSNR_10-20': 30.0, 'faces/PSNR_10-20_count': 3}
    first, second = map(cells_of, format_bin_tables(scores))
    assert first == [
        ['MAE, hole %', 'round 0', 'round 1', 'images'],
        ['10-20', '0.2000', '0.1000 ▲', '7'],
        ['20-30', '-', '0.4000', '1'],
    ]
    assert second == [['faces/PSNR, hole %', 'final', 'images'], ['10-20', '30.0000', '3']]


def test_without_bins_there_is_no_second_table():
    assert format_bin_tables({'PSNR': 20, 'PSNR_std': 1}) == []


def test_table_of_two_classes_and_one_without_pixels():
    one = [[[3, 0, 0], [4, 0, 0]], [[1, 2, 0], [6, 10, 0]]]
    table = format_correction_table(np.array([one], dtype=float), ['sky', 'road', 'car'])
    assert cells_of(table) == [
        [
            'class',
            'pixels',
            'round 1: wrong before → after',
            'round 1: corrected',
            'round 1: spoiled',
        ],
        ['sky', '10', '40.0 → 20.0', '75.0', '16.7'],
        ['road', '10', '0.0 → 20.0', '-', '20.0'],
        ['all classes', '20', '20.0 → 20.0', '75.0', '18.8'],
    ]


def test_without_a_labeled_pixel_only_the_last_line_is_left():
    table = format_correction_table(np.zeros((2, 2, 2, 2)), ['sky', 'road'])
    assert 'sky' not in table
    assert table.count('- → -') == 2
