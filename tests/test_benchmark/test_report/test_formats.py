from __future__ import annotations

import pandas as pd
import pytest

from fbinpaint_mm.benchmark.report import formats


@pytest.mark.parametrize(
    ('metric', 'value', 'text'),
    [
        ('PSNR', 20.456, '20.46'),
        ('faces/PSNR', 20.456, '20.46'),
        ('mIoU_hole', 34.5, '34.50'),
        ('SSIM', 0.65772, '0.6577'),
        ('MAE_hole', 0.1, '0.1000'),
        ('MAE_hole', -0.00004, '0.0000'),
        ('PSNR', float('nan'), '-'),
        ('PSNR', None, '-'),
    ],
)
def test_scores(metric, value, text):
    assert formats.format_score(metric, value) == text


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        ((-0.031, -0.040, -0.022), '-3.10 % [-4.00, -2.20]'),
        ((0.012, -0.00001, 0.5), '+1.20 % [0.00, +50.00]'),
        ((0.00004, -0.00004, 0.00005), '0.00 % [0.00, +0.01]'),
        ((0.012,), '+1.20 %'),
        ((float('nan'),), ''),
    ],
)
def test_changes(change, text):
    assert formats.format_change(*change) == text


@pytest.mark.parametrize(
    ('value', 'text'),
    [(0, '0'), (0.0501, '0.0501'), (1.5, '1.5'), (1_240_400, '1.24 M'), (310e9, '310 G')],
)
def test_quantities_have_three_digits_and_a_prefix(value, text):
    assert formats.format_quantity(value) == text


def test_bytes_are_counted_in_powers_of_two():
    assert formats.format_bytes(312 * 2**20) == '312 MiB'


@pytest.mark.parametrize(
    ('value', 'text'),
    [(0.00031, '310 µs'), (0.048, '48 ms'), (2.5, '2.5 s'), (431, '0:07:11'), (7300, '2:01:40')],
)
def test_durations(value, text):
    assert formats.format_seconds(value) == text


def test_the_best_is_found_among_printed_numbers():
    assert formats.best_text(['20.1', '-', '20.3'], higher_is_better=True) == '20.3'
    assert formats.best_text(['0.10', '0.2'], higher_is_better=False) == '0.10'
    assert formats.best_text(['20.1', '-'], higher_is_better=True) is None


def test_text_stays_in_its_cell_of_a_table():
    table = formats.markdown_table(['', 'a|b'], [['one', '1\n+2 %'], ['two', '']])
    assert table.splitlines() == [
        '|     |      a\\|b |',
        '| :---|---------: |',
        '| one | 1<br>+2 % |',
        '| two |           |',
    ]


def test_what_a_frame_lacks_is_a_dash():
    frame = pd.DataFrame({'R': {'a': '1', 'b': None}})
    assert formats.frame_table(frame, 'switch').splitlines()[::3] == [
        '| switch | R |',
        '| b      | - |',
    ]
