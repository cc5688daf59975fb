"""Mirrors an image and its label map."""

from __future__ import annotations

import numpy as np
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform


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
            results['gt_seg'] = self._exchange(mirrored, results.get('flip_pairs', ()))
        return results

    @staticmethod
    def _exchange(gt_seg: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
        table = np.arange(256, dtype=gt_seg.dtype)
        for left, right in pairs:
            table[left], table[right] = right, left
        return table[gt_seg]

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(probability={self.probability})'
