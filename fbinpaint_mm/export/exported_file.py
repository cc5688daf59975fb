"""A file that has been exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExportedFile:
    """A file that has passed the comparison with PyTorch.

    Args:
        path: Where it is.
        seconds: Time for writing it, without the comparison.
        sizes: (batch, height, width) of the inputs that were compared.
        differences: Largest difference of each output, as a share of its range.
    """

    path: Path
    seconds: float
    sizes: list[tuple[int, int, int]]
    differences: dict[str, float]
