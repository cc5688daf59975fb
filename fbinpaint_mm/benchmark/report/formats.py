"""How numbers and tables are written in reports, captions and the log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta

import pandas as pd
from matplotlib.ticker import EngFormatter
from prettytable import PrettyTable, TableStyle

MISSING = '-'
TWO_DECIMALS = ('PSNR', 'mIoU', 'aAcc', 'FID')


def format_score(metric: str, value: float | None) -> str:
    """A score with 2 decimals on scales like dB or percent, else 4; ``-`` for none."""
    if value is None or not math.isfinite(value):
        return MISSING
    decimals = 2 if metric.rpartition('/')[2].startswith(TWO_DECIMALS) else 4
    # Adding zero turns a rounded -0.0 into 0.0, with which it ties.
    return f'{round(value, decimals) + 0.0:.{decimals}f}'


def format_change(relative: float, low: float = math.nan, high: float = math.nan) -> str:
    """A change in percent with its interval: ``-3.12 % [-4.01, -2.20]``; empty for none.

    What is zero in the digits shown has no sign.
    """
    rounded = [round(100 * share, 2) for share in (relative, low, high)]
    change, *ends = (f'{one:+.2f}' if one else '0.00' for one in rounded)
    if math.isnan(relative):
        return ''
    return f'{change} %' if math.isnan(low) else f'{change} % [{", ".join(ends)}]'


def best_text(texts: Sequence[str], higher_is_better: bool) -> str | None:
    """The best of the printed scores; ``None`` with fewer than two.

    Numbers are compared as printed, so that what looks equal is treated as equal.
    """
    numbers = [text for text in texts if text != MISSING]
    if len(numbers) < 2:
        return None
    return max(numbers, key=float) if higher_is_better else min(numbers, key=float)


def format_quantity(value: float, unit: str = '') -> str:
    """Three digits and an SI prefix: ``1.24 M``, ``310 G``, ``48 ms``.

    Small numbers get a prefix only before a unit: half an image per second is ``0.5``.
    """
    rounded = float(f'{value:.3g}')
    return EngFormatter(unit)(rounded) if unit or abs(rounded) >= 1 else f'{rounded:g}'


def format_bytes(value: float) -> str:
    """In MiB, as nvidia-smi does: ``312 MiB``."""
    return f'{value / 2**20:.0f} MiB'


def format_seconds(value: float) -> str:
    """A duration: ``48 ms``, ``2.5 s``; from a minute on ``0:07:11``."""
    return format_quantity(value, 's') if value < 60 else str(timedelta(seconds=round(value)))


def format_ratio(ratio: float) -> str:
    """A multiple of the reference: ``×1.50``."""
    return f'×{ratio:.2f}'


def frame_table(frame: pd.DataFrame, corner: str = '') -> str:
    """A frame of text in Markdown, ``-`` for what is missing.

    Args:
        frame: Its index is the first column.
        corner: Heading of the first column.
    """
    return markdown_table([corner, *frame.columns], frame.fillna(MISSING).itertuples())


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table whose first column is aligned left and whose others are aligned right.

    Args:
        headers: Heading of each column, all different.
        rows: Text of each cell; bars are escaped and line breaks become ``<br>``.

    Returns:
        Lines without a line break at the end.
    """
    table = PrettyTable([escape(header) for header in headers])
    table.set_style(TableStyle.MARKDOWN)
    table.align = 'r'
    table.align[table.field_names[0]] = 'l'
    table.add_rows([[escape(cell) for cell in row] for row in rows])
    return table.get_string()


def escape(cell: object) -> str:
    """Text that stays in its cell."""
    return str(cell).replace('|', '\\|').replace('\n', '<br>')
