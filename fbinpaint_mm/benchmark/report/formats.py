"""How numbers are written in tables, captions and the log; the one place that decides it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fbinpaint_mm.benchmark.report.statistics import RelativeChange

MISSING = '-'
TWO_DECIMALS = ('PSNR', 'mIoU', 'FID')
DECIMALS = 4
PREFIXES = ((1e15, 'P'), (1e12, 'T'), (1e9, 'G'), (1e6, 'M'), (1e3, 'k'))
BINARY_PREFIXES = ((2**30, 'GiB'), (2**20, 'MiB'), (2**10, 'KiB'))


def decimals_of(metric: str) -> int:
    """Decimals a metric is written with: 2 on scales like dB or percent, else 4."""
    return 2 if metric.rpartition('/')[2].startswith(TWO_DECIMALS) else DECIMALS


def format_score(metric: str, value: float | None) -> str:
    """A score with the decimals of its metric; ``-`` for none."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f'{value:.{decimals_of(metric)}f}'


def format_change(change: RelativeChange | None) -> str:
    """A change in percent with its interval: ``-3.12 % [-4.01, -2.20]``; empty for none."""
    if change is None:
        return ''
    text = f'{percent(change.relative)} %'
    if change.low is None:
        return text
    return f'{text} [{percent(change.low)}, {percent(change.high)}]'


def percent(share: float) -> str:
    """A share in percent with its sign and two decimals; what rounds to zero is ``+0.00``."""
    return f'{round(100 * share, 2) + 0.0:+.2f}'


def best_text(texts: Sequence[str], higher_is_better: bool) -> str | None:
    """The best of the printed scores; ``None`` with fewer than two.

    Numbers are compared as printed, so that what looks equal is treated as equal.
    """
    numbers = [text for text in texts if text != MISSING]
    if len(numbers) < 2:
        return None
    return max(numbers, key=float) if higher_is_better else min(numbers, key=float)


def format_quantity(value: float | None, unit: str = '') -> str:
    """Three digits and a prefix: ``1.24 M``, ``310 G``; ``-`` for none."""
    if value is None:
        return MISSING
    if value == 0:
        return '0'
    for size, prefix in PREFIXES:
        if abs(value) >= size:
            return f'{three_digits(value / size)} {prefix}{unit}'
    return f'{three_digits(value)} {unit}'.rstrip()


def format_bytes(value: float | None) -> str:
    """Three digits in binary units: ``312 MiB``; ``-`` for none."""
    if value is None:
        return MISSING
    for size, unit in BINARY_PREFIXES:
        if abs(value) >= size:
            return f'{three_digits(value / size)} {unit}'
    return f'{three_digits(value)} B'


def format_seconds(value: float | None) -> str:
    """A duration: ``0.31 ms``, ``48.0 ms``, ``2.50 s``, ``12 min``, ``1.5 h``; ``-`` for none."""
    if value is None:
        return MISSING
    if value < 1:
        return f'{three_digits(value * 1e3)} ms'
    if value < 120:
        return f'{three_digits(value)} s'
    return f'{value / 60:.0f} min' if value < 7200 else f'{value / 3600:.1f} h'


def format_ratio(ratio: float | None) -> str:
    """A multiple of the reference: ``×1.50``; empty for none."""
    return '' if ratio is None else f'×{three_digits(ratio)}'


def three_digits(value: float) -> str:
    """A number from 0 to 999 with three digits in all, larger ones without decimals."""
    for limit, decimals in ((9.995, 2), (99.95, 1)):
        if abs(value) < limit:
            return f'{value:.{decimals}f}'
    return f'{value:.0f}'
