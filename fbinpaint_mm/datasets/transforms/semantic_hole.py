"""Holes shaped by the classes of the image."""

from __future__ import annotations

import cv2
import numpy as np
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform


@TRANSFORMS.register_module()
class SemanticHole(BaseTransform):
    """Make a class of the image, or one connected region of it, the hole.

    Such holes ask for whole objects and make the map inside the hole matter. They are drawn from
    the global numpy random state and are meant for training.

    A sample that is not labelled, or in which nothing fits the area range, gets a hole from
    ``fallback``: the map of an unlabelled sample is never looked at, so no label leaks through the
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
        max_trials: Regions tried before ``fallback`` is used.
        ignore_index: Id that means "unknown"; never the hole's class.

    Raises:
        ValueError: ``area_range`` or ``dilation_range`` is not an increasing pair of fractions.
    """

    def __init__(
        self,
        fallback: dict,
        area_range: tuple[float, float] = (0.05, 0.5),
        dilation_range: tuple[float, float] = (0.0, 0.08),
        region_probability: float = 0.5,
        max_trials: int = 5,
        ignore_index: int = 255,
    ) -> None:
        if not 0 < area_range[0] < area_range[1] <= 1:
            raise ValueError(
                f'area_range is {area_range}; expected (low, high) with 0 < low < high <= 1.'
            )
        if not 0 <= dilation_range[0] <= dilation_range[1] < 1:
            raise ValueError(
                f'dilation_range is {dilation_range}; expected (low, high) with '
                '0 <= low <= high < 1 (fractions of the shorter image side).'
            )
        self.fallback = TRANSFORMS.build(fallback)
        self.area_range = tuple(area_range)
        self.dilation_range = tuple(dilation_range)
        self.region_probability = region_probability
        self.max_trials = max_trials
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
        for _ in range(self.max_trials):
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
