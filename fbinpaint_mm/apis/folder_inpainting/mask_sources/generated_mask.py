"""Masks that are drawn at random, the same each time."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

import numpy as np

from fbinpaint_mm.apis.folder_inpainting.job import Job
from fbinpaint_mm.apis.folder_inpainting.mask_sources.mask_source import MaskSource
from fbinpaint_mm.apis.picture import Picture
from fbinpaint_mm.datasets.stable_random import StableRandom
from fbinpaint_mm.datasets.transforms.hole_drawing import draw_hole

# Share of boxes among the shapes; drawn anew for every picture where it is None.
KINDS = dict(irregular=0.0, box=1.0, mixed=None)


class GeneratedMask(MaskSource):
    """The hole is drawn, as a function of the seed, the file's name and the picture's size.

    The name is that of the file, without folders and suffix, so that a picture has the same hole in
    every run, on every machine and in every format.

    Args:
        kind: ``'irregular'`` for strokes, ``'box'`` for boxes, ``'mixed'`` for either or both.
        seed: Of all holes, 0 or more.
        area: Range of the hole's share of the picture, 0 < low < high <= 1.

    Raises:
        ValueError: The kind or the range is none of these.
    """

    def __init__(
        self, kind: str = 'mixed', seed: int = 0, area: tuple[float, float] = (0.1, 0.4)
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f'kind of mask: found {kind!r}, expected one of {", ".join(KINDS)}')
        if not 0 < area[0] < area[1] <= 1:
            raise ValueError(f'area: found {tuple(area)}, expected 0 < low < high <= 1')
        self.kind, self.seed, self.area = kind, seed, tuple(area)

    def hole(self, job: Job, picture: Picture) -> np.ndarray:
        """See ``MaskSource``."""
        stream = StableRandom(self.seed, _number_of(job.image.stem))
        return draw_hole(stream, *picture.size, self.area, KINDS[self.kind]).astype(bool)

    def identity(self, job: Job) -> Any:
        """Kind, seed, area, and the name that decides the hole."""
        return ['generated', self.kind, self.seed, self.area, job.image.stem]


def _number_of(name: str) -> int:
    # File systems store an accented letter as one or as two characters.
    normal = unicodedata.normalize('NFC', name)
    return int.from_bytes(hashlib.sha256(normal.encode()).digest()[:8], 'big')
