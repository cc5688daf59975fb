"""Random holes of training, for images of any size."""

from __future__ import annotations

import numpy as np
from mmagic.datasets.transforms import LoadMask
from mmagic.registry import TRANSFORMS

# Lengths in pixels of a 256x256 image, the size that the usual settings in the field are made for.
REFERENCE_SIZE = 256
DEFAULTS = dict(
    ff=dict(num_vertices=(4, 12), brush_width=(12, 40), max_loops=8),
    bbox=dict(max_bbox_shape=176, max_bbox_delta=160, min_margin=20),
    irregular=dict(num_vertices=(4, 20), length_range=(10, 100), brush_width=(10, 40)),
)
LENGTHS = ('brush_width', 'length_range', 'max_bbox_shape', 'max_bbox_delta', 'min_margin')
MAX_TRIALS = 100


@TRANSFORMS.register_module()
class RandomHole(LoadMask):
    """Holes of mmagic's ``LoadMask`` that follow the size of the image, in an area range.

    ``LoadMask`` wants the image size in its config and lengths in pixels. Here the size is that of
    ``gt``, and lengths are given for a 256x256 image and scaled with the longer side. For an oblong
    image the hole is drawn on a square and cropped, since mmagic's strokes mix up height and width.

    Drawn from the global numpy random state; for training.

    Required key: ``gt`` (H,W,3).
    Added key: ``mask`` (H,W,1) uint8, 1 = hole.

    Args:
        mask_mode: ``'ff'`` long strokes, ``'bbox'`` one box, ``'irregular'`` many short strokes.
        area_range: allowed fractions of the image area, 0 <= low < high <= 1.
        mask_config: settings of ``LoadMask`` for the mode, over the defaults of this file; without
            ``img_shape``.

    Raises:
        ValueError: the mode or the area range is not one of the above.
    """

    def __init__(
        self,
        mask_mode: str = 'ff',
        area_range: tuple[float, float] = (0.1, 0.6),
        mask_config: dict | None = None,
    ) -> None:
        if mask_mode not in DEFAULTS:
            raise ValueError(
                f'mask_mode={mask_mode!r}: expected one of {", ".join(DEFAULTS)}; for mask files '
                'use HoleFromFolder'
            )
        if not 0 <= area_range[0] < area_range[1] <= 1:
            raise ValueError(
                f'area_range={area_range}: expected (low, high) with 0 <= low < high <= 1'
            )
        super().__init__(mask_mode, {**DEFAULTS[mask_mode], **(mask_config or {})})
        self.area_range = area_range

    def transform(self, results: dict) -> dict:
        """Add ``mask``; see the class for the keys.

        Raises:
            RuntimeError: a hundred holes in a row were outside the area range.
        """
        height, width = results['gt'].shape[:2]
        for _ in range(MAX_TRIALS):
            mask = self._draw(height, width)
            if self.area_range[0] <= mask.mean() <= self.area_range[1]:
                results['mask'] = mask
                return results
        raise RuntimeError(
            f'{self!r}: none of {MAX_TRIALS} holes on {height}x{width} was inside area_range; '
            'widen it or change the lengths in mask_config'
        )

    def _draw(self, height: int, width: int) -> np.ndarray:
        """One hole of any area: (H,W,1) uint8."""
        side = max(height, width)
        drawer = LoadMask(self.mask_mode, self._config(side))
        top, left = np.random.randint(side - height + 1), np.random.randint(side - width + 1)
        mask = drawer.transform({})['mask'][top : top + height, left : left + width]
        return np.ascontiguousarray(mask, dtype=np.uint8)

    def _config(self, side: int) -> dict:
        """``LoadMask``'s settings for a square image."""
        config = {
            key: self._scaled(value, side / REFERENCE_SIZE) if key in LENGTHS else value
            for key, value in self.mask_config.items()
        }
        if self.mask_mode == 'irregular':
            # The area is judged here, after cropping.
            config['area_ratio_range'] = (-1, 2)
        return dict(img_shape=(side, side), **config)

    @staticmethod
    def _scaled(length: int | tuple[int, int], factor: float) -> int | tuple[int, int]:
        if isinstance(length, int):
            return max(1, round(length * factor))
        low = max(1, round(length[0] * factor))
        # numpy's randint leaves the upper end out.
        return low, max(low + 1, round(length[1] * factor))

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(mask_mode={self.mask_mode!r}, '
            f'area_range={self.area_range}, mask_config={self.mask_config})'
        )
