"""Where the local discriminators of mmagic's models look."""

from __future__ import annotations

import cv2
import numpy as np
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform


@TRANSFORMS.register_module()
class HoleBoundingBox(BaseTransform):
    """Give a hole of any shape the ``mask_bbox`` that mmagic's models with local crops need.

    ``GLInpaintor`` and ``DeepFillv1Inpaintor`` judge a crop of fixed size around the hole, enlarged
    from ``mask_bbox``; they want a box that is not larger than the crop and far enough from the
    lower and right borders. Here ``mask_bbox`` is the crop itself: the window inside the image that
    holds the most of the hole; of several that hold the same, the one nearest to the hole's centre
    of mass. A box that fits thus lies in the middle of its window as far as the border allows.

    Set ``size`` to the model's ``train_cfg.local_size``, and
    ``PackSemanticInputs(meta_keys=['mask_bbox'])``. After all transforms that move pixels.

    Required key: ``mask`` (H,W,1) or (H,W), not 0 in the hole.
    Added key: ``mask_bbox``, (top, left, height, width) in pixels.

    Args:
        size: Side of the window, or (height, width), in pixels.

    Raises:
        ValueError: The size is not positive.
    """

    def __init__(self, size: int | tuple[int, int] = 128) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f'size: found {size}, expected a side or (height, width) in pixels')

    def transform(self, results: dict) -> dict:
        """Add ``mask_bbox``; see the class for the keys.

        Raises:
            ValueError: The window is larger than the image.
        """
        mask = (results['mask'] > 0).astype(np.uint8).reshape(results['mask'].shape[:2])
        if any(side > limit for side, limit in zip(self.size, mask.shape, strict=True)):
            raise ValueError(
                f'{self!r}: the window is larger than the image {results.get("gt_path")} '
                f'(height, width {mask.shape}); lower size, and local_size of the model'
            )
        results['mask_bbox'] = (*best_window(mask, self.size), *self.size)
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(size={self.size})'


def best_window(mask: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    """The window that holds the most of a hole, nearest to its centre of mass.

    Args:
        mask: (H,W) uint8, 1 = hole; without a hole the centre is that of the image.
        size: (height, width) of the window, at most (H,W).

    Returns:
        (top, left) of the window.
    """
    height, width = size
    total = cv2.integral(mask)  # (H+1,W+1); hole pixels above and to the left
    held = total[height:, width:] - total[:-height, width:]
    held = held - total[height:, :-width] + total[:-height, :-width]
    best = np.argwhere(held == held.max())
    centre = np.argwhere(mask if mask.any() else mask == 0).mean(axis=0)
    offsets = best + (np.array(size) - 1) / 2 - centre
    top, left = best[np.square(offsets).sum(axis=1).argmin()]
    return int(top), int(left)
