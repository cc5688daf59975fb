"""The reproducible holes of validation and test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from fbinpaint_mm.datasets.stable_random import StableRandom
from fbinpaint_mm.datasets.transforms.hole_drawing import draw_hole


@TRANSFORMS.register_module()
class FixedHole(BaseTransform):
    """Give every sample its own fixed hole; the area bins take turns.

    The hole depends on the seed, ``sample_idx`` and the image size alone, on any machine and in any
    worker; the global random state is neither read nor changed. It is made of free-form strokes,
    boxes or both, like scratches and blocks a user paints.

    Required keys: ``gt`` (H,W,3), ``sample_idx`` (int).
    Added keys: ``mask`` (H,W,1) uint8, 1 = hole; ``hole_area``, its fraction of the image.

    Args:
        seed: Names the list of holes; another seed gives another list.
        area_bins: Ranges of the area ratio; sample ``i`` gets bin ``i % len(area_bins)``.

    Raises:
        ValueError: A bin is not a pair 0 < low < high <= 1.
    """

    def __init__(
        self,
        seed: int = 0,
        area_bins: Sequence[tuple[float, float]] = (
            (0.1, 0.2),
            (0.2, 0.3),
            (0.3, 0.4),
            (0.4, 0.5),
            (0.5, 0.6),
        ),
    ) -> None:
        for area_bin in area_bins:
            if len(area_bin) != 2 or not 0 < area_bin[0] < area_bin[1] <= 1:
                raise ValueError(
                    f'area_bins holds {area_bin}; expected pairs (low, high) of area ratios with '
                    '0 < low < high <= 1.'
                )
        self.seed = seed
        self.area_bins = [tuple(area_bin) for area_bin in area_bins]

    def hole(self, sample_idx: int, height: int, width: int) -> np.ndarray:
        """The hole of one sample.

        Args:
            sample_idx: Index of the sample in its data set.
            height: Image height in pixels.
            width: Image width in pixels.

        Returns:
            (H,W,1) uint8 mask, 1 = hole.
        """
        area_bin = self.area_bins[sample_idx % len(self.area_bins)]
        return draw_hole(StableRandom(self.seed, sample_idx), height, width, area_bin)[..., None]

    def hole_list(
        self, samples: Iterable[tuple[str, int, int]]
    ) -> Iterator[tuple[str, int, int, float]]:
        """The list of image and hole pairs, to be printed or published.

        Args:
            samples: (name, height, width) of every image in the order of the data set.

        Yields:
            (name, seed, sample_idx, area ratio of the hole).
        """
        for sample_idx, (name, height, width) in enumerate(samples):
            mask = self.hole(sample_idx, height, width)
            yield name, self.seed, sample_idx, np.count_nonzero(mask) / mask.size

    def transform(self, results: dict) -> dict:
        """Add ``mask`` and ``hole_area``; see the class for the keys.

        Raises:
            KeyError: The sample has no ``sample_idx``.
        """
        if 'sample_idx' not in results:
            raise KeyError(
                'FixedHole needs sample_idx; use a data set that sets it (every mmengine '
                'BaseDataset does).'
            )
        mask = self.hole(int(results['sample_idx']), *results['gt'].shape[:2])
        results['mask'] = mask
        results['hole_area'] = float(np.count_nonzero(mask) / mask.size)
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(seed={self.seed}, area_bins={self.area_bins})'
