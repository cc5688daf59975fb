"""Transforms that move the pixels of an image and of its label map together."""

from __future__ import annotations

import mmcv
import numpy as np
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from fbinpaint_mm.datasets.image_size import checked_size, size_of_sample
from fbinpaint_mm.datasets.transforms.loading import exchange_ids
from fbinpaint_mm.user_error import UserError


@TRANSFORMS.register_module()
class ResizeSample(BaseTransform):
    """Resize, and optionally crop at random, an image and its label map together.

    The size comes from the data set's ``image_size``, so that a child config changes one number.
    mmagic's ``Resize`` and ``Crop`` do not serve: the first has one interpolation for all keys, the
    second crops every key at a position of its own.

    Required keys: ``gt`` (H,W,3) uint8; ``image_size`` unless given here.
    Optional key: ``gt_seg`` (H,W,1) uint8, resized with nearest neighbor.
    Modified keys: ``gt``, ``gt_seg``.

    Args:
        crop: False resizes to ``image_size`` exactly, whatever the aspect ratio. True resizes with
            the aspect ratio kept until the image covers ``image_size``, and crops at random.
        scale_range: with ``crop``, the covering image is enlarged by a factor from this range.
        image_size: side, or (height, width), in pixels; by default the data set's.

    Raises:
        UserError: ``scale_range`` is not increasing or starts below 1.
    """

    def __init__(
        self,
        crop: bool = False,
        scale_range: tuple[float, float] = (1.0, 1.0),
        image_size: int | tuple[int, int] | None = None,
    ) -> None:
        if not 1 <= scale_range[0] <= scale_range[1]:
            raise UserError(
                f'scale_range={scale_range}: expected (low, high) with 1 <= low <= high, '
                'since a smaller image could not fill the crop'
            )
        self.crop = crop
        self.scale_range = scale_range
        self.image_size = None if image_size is None else checked_size(image_size)

    def transform(self, results: dict) -> dict:
        """Resize and crop; see the class for the keys.

        Raises:
            UserError: neither the data set nor this transform has an ``image_size``.
        """
        size = size_of_sample(self.image_size, results, 'ResizeSample')
        target = self._covering_size(results['gt'].shape[:2], size) if self.crop else size
        top, left = (np.random.randint(0, t - s + 1) for t, s in zip(target, size, strict=True))
        for key in ('gt', 'gt_seg'):
            if key in results:
                resized = self._resize(results[key], target, nearest=key == 'gt_seg')
                cropped = resized[top : top + size[0], left : left + size[1]]
                results[key] = np.ascontiguousarray(cropped)
        return results

    def _covering_size(self, current: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
        """Size with the current aspect ratio that covers ``size``, enlarged at random."""
        factor = max(s / c for s, c in zip(size, current, strict=True))
        factor *= np.random.uniform(*self.scale_range)
        height, width = (max(s, round(c * factor)) for s, c in zip(size, current, strict=True))
        return height, width

    @staticmethod
    def _resize(array: np.ndarray, size: tuple[int, int], nearest: bool) -> np.ndarray:
        """(H,W,C) array at (height, width); area averaging avoids aliasing where it shrinks."""
        if array.shape[:2] == size:
            return array
        shrinks = size[0] < array.shape[0]
        interpolation = 'nearest' if nearest else 'area' if shrinks else 'bilinear'
        resized = mmcv.imresize(array, size[::-1], interpolation=interpolation)
        return resized.reshape(*size, -1)

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(crop={self.crop}, scale_range={self.scale_range}, '
            f'image_size={self.image_size})'
        )


@TRANSFORMS.register_module()
class FlipSample(BaseTransform):
    """Mirror an image and its label map at random, left to right.

    Classes that have a side change places: in a mirrored face the left eye is a right eye. mmagic's
    ``Flip`` does not know of that.

    Required key: ``gt`` (H,W,3).
    Optional keys: ``gt_seg`` (H,W,1) uint8; ``flip_pairs``, pairs of class ids of the data set.
    Modified keys: ``gt``, ``gt_seg``.

    Args:
        probability: chance to mirror, in [0, 1].
    """

    def __init__(self, probability: float = 0.5) -> None:
        self.probability = probability

    def transform(self, results: dict) -> dict:
        """Mirror; see the class for the keys."""
        if np.random.random() >= self.probability:
            return results
        results['gt'] = np.ascontiguousarray(results['gt'][:, ::-1])
        if 'gt_seg' in results:
            mirrored = np.ascontiguousarray(results['gt_seg'][:, ::-1])
            pairs = results.get('flip_pairs', ())
            sides = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
            results['gt_seg'] = exchange_ids(mirrored, sides)
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(probability={self.probability})'
