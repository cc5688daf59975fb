"""Transforms that end a pipeline: they give a sample the keys that a model reads, and pack it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from mmagic.datasets.transforms import PackInputs
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from fbinpaint_mm.user_error import UserError

# Class ids of every pixel; the second is optional.
LABEL_MAPS = ('gt_seg', 'dictated_seg')


@TRANSFORMS.register_module()
class DictateLabelMap(BaseTransform):
    """Guide the inpainting by the true label map: the upper bound of what semantics can give.

    The model takes over ``dictated_seg`` wherever it is known, instead of its own map. Put this
    transform right before :class:`PackSemanticInputs` in the pipelines of training, validation and
    test. An unlabeled sample has no true map (255 everywhere), so nothing is dictated there.

    Required key: ``gt_seg`` (H,W,1) or (H,W) uint8 class ids, 255 where unknown.
    Added key: ``dictated_seg``, a copy of it.
    """

    def transform(self, results: dict) -> dict:
        """Add ``dictated_seg``; see the class for the keys.

        Raises:
            UserError: The sample has no ``gt_seg``.
        """
        if 'gt_seg' not in results:
            raise UserError(
                f'DictateLabelMap misses gt_seg in the sample {results.get("gt_path")}; put '
                'LoadSemanticMap before it'
            )
        results['dictated_seg'] = results['gt_seg'].copy()
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'


@TRANSFORMS.register_module()
class PackSemanticInputs(PackInputs):
    """mmagic's ``PackInputs`` for semantic inpainting; the same keys for every sample.

    Required keys: ``gt`` (H,W,3) uint8, ``img`` (H,W,3) float32 masked image, ``mask`` (H,W,1)
    0/1, ``gt_seg`` (H,W,1) or (H,W) class ids, ``is_labeled`` bool.

    The result holds ``inputs`` (3,H,W) float32 0..255 and ``data_samples``, a ``DataSample`` with
    ``gt_img`` (3,H,W) uint8 0..255, ``mask`` (1,H,W) uint8 0/1 (1 = hole), ``gt_seg`` (1,H,W) int64
    (with ``dictated_seg`` likewise where :class:`DictateLabelMap` has set it)
    and, in its metainfo, ``is_labeled``, ``hole_area`` (fraction 0..1), ``hole_index`` where the
    data set has several holes per image, and what mmagic's loaders set (``gt_path``,
    ``sample_idx``, ``gt_channel_order``, ...).

    Args:
        meta_keys: Further keys packed as metainfo; every sample must have them. ``'mask_bbox'``
            (see :class:`HoleBoundingBox`) is packed only if it is here.
    """

    _required = ('gt', 'img', 'mask', 'gt_seg', 'is_labeled')

    def __init__(self, meta_keys: Sequence[str] = ()) -> None:
        super().__init__(
            keys=['img'],
            data_keys=list(LABEL_MAPS),
            meta_keys=['is_labeled', 'hole_area', 'hole_index', *meta_keys],
        )
        self._needed = (*self._required, *meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack the sample.

        Args:
            results: Result dict of the pipeline, see the class.

        Returns:
            Dict with ``inputs`` and ``data_samples``.

        Raises:
            UserError: A required key is missing.
            UserError: Image, label map and mask differ in size, or the mask is not 0/1.
        """
        self._check(results)
        packed = dict(results)
        if 'mask_bbox' not in self.meta_keys:
            # LoadMask sets it for boxes only, and DataSample.stack refuses a batch in which some
            # samples lack a key.
            packed.pop('mask_bbox', None)
        packed.update({key: results[key].astype(np.int64) for key in LABEL_MAPS if key in results})
        packed['mask'] = results['mask'].astype(np.uint8)
        packed['is_labeled'] = bool(results['is_labeled'])
        packed['hole_area'] = float(np.count_nonzero(packed['mask']) / packed['mask'].size)
        return super().transform(packed)

    def _check(self, results: dict) -> None:
        missing = [key for key in self._needed if key not in results]
        if missing:
            raise UserError(
                f'{self.__class__.__name__} misses {missing} in the sample '
                f'{results.get("gt_path")}; add the transforms that load or make them before it.'
            )
        arrays = ('gt', 'img', 'mask', *LABEL_MAPS)
        sizes = {key: results[key].shape[:2] for key in arrays if key in results}
        if len(set(sizes.values())) > 1:
            raise UserError(
                f'Sizes (height, width) differ in the sample {results.get("gt_path")}: {sizes}. '
                'Resize and crop gt and gt_seg together (FixedCrop, not Crop) before making the '
                'hole, and give the mask transform the same size.'
            )
        if results['mask'].max() > 1:
            raise UserError(
                f'The mask of {results.get("gt_path")} holds {results["mask"].max()}; expected 0 '
                '(known) and 1 (hole). Divide or threshold it in the transform that loads it.'
            )


@TRANSFORMS.register_module()
class ToSegmentationKeys(BaseTransform):
    """Name an image and its label map as mmseg's transforms do, to train a segmentor alone.

    The pipeline so far, with :class:`LoadSemanticMap`, :class:`ResizeSample` and
    :class:`FlipSample`, is that of inpainting; transforms of mmseg may follow. mmseg scales a
    prediction to ``ori_shape`` before it is compared with the label map, so that is the size which
    both have here, not that of the file.

    Required keys: ``gt`` (H,W,3) uint8, ``gt_path`` (str), ``gt_seg`` (H,W,1) uint8.
    Removed keys: ``gt``, ``gt_seg``.
    Added keys: ``img`` (H,W,3) uint8, ``img_path``, ``gt_seg_map`` (H,W) uint8, ``seg_fields``,
    ``img_shape`` and ``ori_shape``, both (H,W).
    """

    def transform(self, results: dict) -> dict:
        """Rename; see the class for the keys.

        Raises:
            UserError: a required key is missing.
        """
        missing = [key for key in ('gt', 'gt_path', 'gt_seg') if key not in results]
        if missing:
            raise UserError(
                f'ToSegmentationKeys misses {missing} in the sample {results.get("gt_path")}; put '
                "LoadImageFromFile(key='gt') and LoadSemanticMap before it"
            )
        results['img'] = results.pop('gt')
        results['img_path'] = results['gt_path']
        results['gt_seg_map'] = results.pop('gt_seg')[..., 0]
        results['seg_fields'] = ['gt_seg_map']
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'


@TRANSFORMS.register_module()
class HoleBoundingBox(BaseTransform):
    """Give a hole of any shape the ``mask_bbox`` that mmagic's models with local crops need.

    ``GLInpaintor`` and ``DeepFillv1Inpaintor`` see a crop of fixed size around the hole, enlarged
    from ``mask_bbox``; they want a box that is not larger than the crop and far enough from the
    lower and right borders. Here ``mask_bbox`` is the crop itself: the window inside the image that
    holds the most of the hole; of several that hold the same, the one nearest to the hole's center
    of mass. A box that fits thus lies in the middle of its window as far as the border allows.

    Set ``size`` to the model's ``train_cfg.local_size``, and
    ``PackSemanticInputs(meta_keys=['mask_bbox'])``. After all transforms that move pixels.

    Required key: ``mask`` (H,W,1) or (H,W), not 0 in the hole.
    Added key: ``mask_bbox``, (top, left, height, width) in pixels.

    Args:
        size: Side of the window, or (height, width), in pixels.

    Raises:
        UserError: The size is not positive.
    """

    def __init__(self, size: int | tuple[int, int] = 128) -> None:
        self.size = (size, size) if isinstance(size, int) else size
        if len(self.size) != 2 or min(self.size) < 1:
            raise UserError(f'size: found {size}, expected a side or (height, width) in pixels')

    def transform(self, results: dict) -> dict:
        """Add ``mask_bbox``; see the class for the keys.

        Raises:
            UserError: The window is larger than the image.
        """
        mask = (results['mask'] > 0).astype(np.uint8).reshape(results['mask'].shape[:2])
        if any(side > limit for side, limit in zip(self.size, mask.shape, strict=True)):
            raise UserError(
                f'{self!r}: the window is larger than the image {results.get("gt_path")} '
                f'(height, width {mask.shape}); lower size, and local_size of the model'
            )
        results['mask_bbox'] = (*best_window(mask, self.size), *self.size)
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(size={self.size})'


def best_window(mask: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    """The window that holds the most of a hole, nearest to its center of mass.

    Args:
        mask: (H,W) uint8, 1 = hole; without a hole the center is that of the image.
        size: (height, width) of the window, at most (H,W).

    Returns:
        (top, left) of the window.
    """
    height, width = size
    total = cv2.integral(mask)  # (H+1,W+1); hole pixels above and to the left
    held = total[height:, width:] - total[:-height, width:]
    held = held - total[height:, :-width] + total[:-height, :-width]
    best = np.argwhere(held == held.max())
    center = np.argwhere(mask if mask.any() else mask == 0).mean(axis=0)
    offsets = best + (np.array(size) - 1) / 2 - center
    top, left = best[np.square(offsets).sum(axis=1).argmin()]
    return int(top), int(left)
