"""From the keys of inpainting to those of mmseg."""

from __future__ import annotations

from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform


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
            KeyError: a required key is missing.
        """
        missing = [key for key in ('gt', 'gt_path', 'gt_seg') if key not in results]
        if missing:
            raise KeyError(
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
