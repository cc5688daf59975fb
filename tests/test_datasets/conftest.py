"""Small data sets on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def _write(
    folder: Path, stems: Sequence[str], labels: Sequence[str], size: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    width, height = size
    for kind in ('images/train', 'annotations/train'):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for stem in stems:
        path = folder / 'images/train' / f'{stem}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
    for stem in labels:
        path = folder / 'annotations/train' / f'{stem}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 3, (height, width), dtype=np.uint8)).save(path)


@pytest.fixture
def write_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Write ``images/train`` and ``annotations/train`` with ids 0 to 2; returns the root."""

    def write(
        stems: Sequence[str] = tuple('0123456789'),
        labels: Sequence[str] | None = None,
        size: tuple[int, int] = (12, 8),
    ) -> Path:
        _write(tmp_path, stems, stems if labels is None else labels, size)
        return tmp_path

    return write
