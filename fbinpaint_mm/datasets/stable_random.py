"""Random numbers that are the same on every machine, in every worker, with any numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar('Item')


class StableRandom:
    """A private stream of random numbers that depends on its keys alone.

    Only the raw 64-bit output of PCG64 is used, which numpy guarantees to stay as it is; the
    distributions of ``numpy.random.Generator`` may change between versions. Neither the global
    random state nor another stream is read or changed.

    Args:
        *keys: Non-negative integers that name the stream, for example a seed and a sample index.
    """

    def __init__(self, *keys: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(keys))

    def integer(self, low: int, high: int) -> int:
        """Draw an integer.

        Args:
            low: Smallest value.
            high: Largest value, included.

        Returns:
            An integer in [low, high].
        """
        return low + int(self._bits.random_raw()) % (high - low + 1)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Draw a float from [low, high)."""
        return low + (high - low) * (int(self._bits.random_raw()) >> 11) * 2.0**-53

    def choice(self, items: Sequence[Item]) -> Item:
        """Draw one of the items, all equally likely."""
        return items[self.integer(0, len(items) - 1)]

    def chance(self, probability: float) -> bool:
        """Draw True with the given probability in [0, 1]."""
        return self.uniform() < probability

    def uniform_array(self, *shape: int) -> np.ndarray:
        """Draw an array of floats.

        Args:
            *shape: Shape of the array.

        Returns:
            float64 array of that shape with values in [0, 1).
        """
        raw = self._bits.random_raw(math.prod(shape))
        return (raw >> np.uint64(11)).astype(np.float64).reshape(shape) * 2.0**-53
