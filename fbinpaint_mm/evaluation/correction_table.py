"""What the recorrection did to every class, as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from prettytable import PrettyTable

ALL = 'all classes'


def format_correction_table(counts: np.ndarray, classes: Sequence[str]) -> str:
    """Classes as rows; for every round what was wrong before and after, mended and spoiled.

    Args:
        counts: (R, 2, 2, K), ``CorrectionRate.class_counts``.
        classes: Name of each of the K classes.

    Returns:
        The table as text of several lines, all numbers but the pixels in percent; classes without
        a pixel are left out, the last line is for all classes together.
    """
    titles = ['wrong before → after', 'mended', 'spoiled']
    rounds = range(1, len(counts) + 1)
    header = [f'round {number}: {title}' for number in rounds for title in titles]
    table = PrettyTable(['class', 'pixels', *header])
    table.align = 'r'
    table.align['class'] = 'l'
    total = counts.sum(axis=-1)
    rows = [(name, counts[..., index]) for index, name in enumerate(classes)]
    for name, row in [*rows, (ALL, total)]:
        pixels = int(row[0, :, 1].sum())
        if pixels or name == ALL:
            cells = [cell for one in row for cell in format_round(one, pixels)]
            table.add_row([name, pixels, *cells])
    return table.get_string()


def format_round(counts: np.ndarray, pixels: int) -> list[str]:
    """The three cells of a class in one round, from its (2, 2) counts."""
    (mended, wrong), (spoiled, right) = counts
    after = wrong - mended + spoiled
    change = f'{percent(wrong, pixels)} → {percent(after, pixels)}'
    return [change, percent(mended, wrong), percent(spoiled, right)]


def percent(part: float, whole: float) -> str:
    """A share with one decimal; a dash where there is nothing to have a share of."""
    return f'{100 * part / whole:.1f}' if whole else '-'
