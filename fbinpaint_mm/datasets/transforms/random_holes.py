"""Holes of training, drawn from the global numpy random state: strokes, boxes, and classes."""

from __future__ import annotations

import cv2
import numpy as np
from mmagic.datasets.transforms import LoadMask
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from fbinpaint_mm.user_error import UserError

# Lengths in pixels of a 256x256 image, the size that the usual settings in the field are made for.
REFERENCE_SIZE = 256
SETTINGS: dict[str, dict] = dict(
    ff=dict(num_vertices=(4, 12), brush_width=(12, 40), max_loops=8),
    bbox=dict(max_bbox_shape=176, max_bbox_delta=160, min_margin=20),
    irregular=dict(num_vertices=(4, 20), length_range=(10, 100), brush_width=(10, 40)),
)
LENGTHS = ('brush_width', 'length_range', 'max_bbox_shape', 'max_bbox_delta', 'min_margin')
MAX_TRIALS, MAX_REGIONS = 100, 5


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

    Raises:
        UserError: the mode or the area range is not one of the above.
    """

    def __init__(self, mask_mode: str = 'ff', area_range: tuple[float, float] = (0.1, 0.6)) -> None:
        if mask_mode not in SETTINGS:
            raise UserError(
                f'mask_mode={mask_mode!r}: expected one of {", ".join(SETTINGS)}; for mask files '
                'use HoleFromFolder'
            )
        if not 0 <= area_range[0] < area_range[1] <= 1:
            raise UserError(
                f'area_range={area_range}: expected (low, high) with 0 <= low < high <= 1'
            )
        super().__init__(mask_mode, SETTINGS[mask_mode])
        self.area_range = area_range

    def transform(self, results: dict) -> dict:
        """Add ``mask``; see the class for the keys.

        Raises:
            UserError: a hundred holes in a row were outside the area range.
        """
        height, width = results['gt'].shape[:2]
        for _ in range(MAX_TRIALS):
            mask = self._draw(height, width)
            if self.area_range[0] <= mask.mean() <= self.area_range[1]:
                results['mask'] = mask
                return results
        raise UserError(
            f'{self!r}: none of {MAX_TRIALS} holes on {height}x{width} was inside area_range; '
            'widen it'
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
            # The area is checked here, after cropping.
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
            f'{self.__class__.__name__}(mask_mode={self.mask_mode!r}, area_range={self.area_range})'
        )


@TRANSFORMS.register_module()
class SemanticHole(BaseTransform):
    """Make a class of the image, or one connected region of it, the hole.

    Such holes ask for whole objects and make the map inside the hole matter. They are drawn from
    the global numpy random state and are meant for training.

    A sample that is not labeled, or in which nothing fits the area range, gets a hole from
    ``fallback``: the map of an unlabeled sample is never looked at, so no label leaks through the
    shape of its hole.

    Required keys: ``gt_seg`` (H,W,1) or (H,W) class ids, ``is_labeled`` bool, and those that
    ``fallback`` needs.
    Added key: ``mask`` (H,W,1) uint8, 1 = hole.

    Args:
        fallback: Config of another mask transform, for example mmagic's ``LoadMask``.
        area_range: Allowed fractions of the image area, 0 < low < high <= 1.
        dilation_range: The region grows by a radius drawn from this range, in fractions of the
            shorter image side.
        region_probability: Chance to take one connected region instead of the whole class.
        ignore_index: Id that means "unknown"; never the hole's class.

    Raises:
        UserError: ``area_range`` or ``dilation_range`` is not an increasing pair of fractions.
    """

    def __init__(
        self,
        fallback: dict,
        area_range: tuple[float, float] = (0.05, 0.5),
        dilation_range: tuple[float, float] = (0.0, 0.08),
        region_probability: float = 0.5,
        ignore_index: int = 255,
    ) -> None:
        if not 0 < area_range[0] < area_range[1] <= 1:
            raise UserError(
                f'area_range is {area_range}; expected (low, high) with 0 < low < high <= 1.'
            )
        if not 0 <= dilation_range[0] <= dilation_range[1] < 1:
            raise UserError(
                f'dilation_range is {dilation_range}; expected (low, high) with '
                '0 <= low <= high < 1 (fractions of the shorter image side).'
            )
        self.fallback = TRANSFORMS.build(fallback)
        self.area_range = area_range
        self.dilation_range = dilation_range
        self.region_probability = region_probability
        self.ignore_index = ignore_index

    def transform(self, results: dict) -> dict:
        """Add ``mask``; see the class for the keys."""
        mask = None
        if results['is_labeled']:
            mask = self._class_hole(results['gt_seg'].reshape(results['gt_seg'].shape[:2]))
        if mask is None:
            return self.fallback(results)
        results['mask'] = mask[..., None]
        return results

    def _class_hole(self, gt_seg: np.ndarray) -> np.ndarray | None:
        """(H,W) uint8 hole of a random class, or None where nothing fits."""
        class_ids = np.unique(gt_seg)
        class_ids = class_ids[class_ids != self.ignore_index]
        if not class_ids.size:
            return None
        for _ in range(MAX_REGIONS):
            region = (gt_seg == np.random.choice(class_ids)).astype(np.uint8)
            if np.random.random() < self.region_probability:
                region = self._connected_region(region)
            region = self._dilate(region)
            if self.area_range[0] <= region.mean() <= self.area_range[1]:
                return region
        return None

    @staticmethod
    def _connected_region(region: np.ndarray) -> np.ndarray:
        """The connected region around a random pixel, so that large ones come more often."""
        _, components = cv2.connectedComponents(region)
        ids = components[region > 0]
        return (components == ids[np.random.randint(ids.size)]).astype(np.uint8)

    def _dilate(self, region: np.ndarray) -> np.ndarray:
        radius = round(np.random.uniform(*self.dilation_range) * min(region.shape))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        return cv2.dilate(region, kernel)

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(area_range={self.area_range}, '
            f'dilation_range={self.dilation_range}, '
            f'region_probability={self.region_probability}, fallback={self.fallback})'
        )
