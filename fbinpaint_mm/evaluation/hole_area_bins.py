"""Ranges of hole area, by which scores are told apart: a large hole is harder than a small one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from fbinpaint_mm.user_error import UserError


class HoleAreaBins:
    """Bins [low, high) of the share of an image that is hole; the last one is closed.

    Edges are compared as they are, without tolerance: an area of exactly 0.2 is in '20-30'.

    Args:
        edges: Borders of the bins in [0, 1], increasing: one more than there are bins.

    Attributes:
        edges: The borders.
        names: Name of each bin in percent, such as ``'10-20'``.

    Raises:
        UserError: Fewer than two edges, or edges that do not increase within [0, 1].
    """

    def __init__(self, edges: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)) -> None:
        self.edges = tuple(float(edge) for edge in edges)
        rising = all(low < high for low, high in pairwise(self.edges))
        # Negated, so that nan is refused too.
        if len(self.edges) < 2 or not (rising and self.edges[0] >= 0 and self.edges[-1] <= 1):
            raise UserError(
                f'edges of hole area bins: found {edges}, expected two or more shares of the image '
                'that increase from at least 0 to at most 1, such as (0.1, 0.2, 0.3)'
            )
        percent = [f'{edge * 100:.6g}' for edge in self.edges]
        self.names = tuple(f'{low}-{high}' for low, high in pairwise(percent))

    def __len__(self) -> int:
        return len(self.names)

    def assign(self, areas: Sequence[float] | np.ndarray) -> np.ndarray:
        """Bin of every image.

        Args:
            areas: (M,) shares of hole in [0, 1]; nan where an image has no hole mask.

        Returns:
            (M,) int64 number of the bin; -1 outside every bin.
        """
        areas = np.asarray(areas, dtype=float)
        found = np.searchsorted(self.edges, areas, side='right') - 1
        inside = (areas >= self.edges[0]) & (areas <= self.edges[-1])
        return np.where(inside, np.minimum(found, len(self) - 1), -1)
