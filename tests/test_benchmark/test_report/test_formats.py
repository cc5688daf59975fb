from __future__ import annotations

import pytest

from fbinpaint_mm.benchmark.report import formats
from fbinpaint_mm.benchmark.report.statistics import RelativeChange


@pytest.mark.parametrize(
    ('metric', 'value', 'text'),
    [
        ('PSNR', 20.456, '20.46'),
        ('faces/PSNR', 20.456, '20.46'),
        ('mIoU_hole', 34.5, '34.50'),
        ('SSIM', 0.65772, '0.6577'),
        ('MAE_hole', 0.1, '0.1000'),
        ('PSNR', float('nan'), '-'),
        ('PSNR', None, '-'),
    ],
)
def test_scores(metric, value, text):
    assert formats.format_score(metric, value) == text


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        (RelativeChange(-0.031, -0.040, -0.022), '-3.10 % [-4.00, -2.20]'),
        (RelativeChange(0.012, -0.00001, 0.5), '+1.20 % [+0.00, +50.00]'),
        (RelativeChange(0.012), '+1.20 %'),
        (None, ''),
    ],
)
def test_changes(change, text):
    assert formats.format_change(change) == text


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (None, '-'),
        (0, '0'),
        (1.5, '1.50'),
        (999.6, '1000'),
        (1_240_000, '1.24 M'),
        (310e9, '310 G'),
        (3.2e15, '3.20 P'),
    ],
)
def test_quantities(value, text):
    assert formats.format_quantity(value) == text


def test_bytes_are_counted_in_powers_of_two():
    assert formats.format_bytes(312 * 2**20) == '312 MiB'
    assert formats.format_bytes(1.4 * 2**30) == '1.40 GiB'
    assert formats.format_bytes(12) == '12.0 B'
    assert formats.format_bytes(None) == '-'


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (0.00031, '0.31 ms'),
        (0.048, '48.0 ms'),
        (2.5, '2.50 s'),
        (431, '7 min'),
        (7300, '2.0 h'),
        (None, '-'),
    ],
)
def test_durations(value, text):
    assert formats.format_seconds(value) == text


def test_the_best_is_found_among_printed_numbers():
    assert formats.best_text(['20.1', '-', '20.3'], higher_is_better=True) == '20.3'
    assert formats.best_text(['0.10', '0.2'], higher_is_better=False) == '0.10'
    assert formats.best_text(['20.1', '-'], higher_is_better=True) is None
