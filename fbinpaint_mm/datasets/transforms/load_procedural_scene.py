"""Renders a procedural scene in the place of reading an image."""

from __future__ import annotations

import numpy as np
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from fbinpaint_mm.datasets.procedural import render_scene


@TRANSFORMS.register_module()
class LoadProceduralScene(BaseTransform):
    """Render the scene of ``scene_seed``; an unlabelled sample gets an all-unknown label map.

    Required keys: ``scene_seed`` (int), ``is_labeled`` (bool); ``image_size`` unless given here.
    Added keys: ``gt`` (H,W,3) uint8 BGR; ``gt_seg`` (H,W,1) uint8 class ids, ``ignore_index``
    everywhere for an unlabelled sample; ``ori_gt_shape``, ``gt_channel_order`` and
    ``gt_color_type`` as mmagic's ``LoadImageFromFile`` sets them.

    Args:
        image_size: Side, or (height, width), in pixels, best 48 or more; by default the data set's.
        cache_size: Rendered scenes kept in memory (per worker); 0 keeps none.
        ignore_index: Id that means "unknown".

    """

    def __init__(
        self,
        image_size: int | tuple[int, int] | None = None,
        cache_size: int = 2048,
        ignore_index: int = 255,
    ) -> None:
        self.image_size = image_size
        self.cache_size = cache_size
        self.ignore_index = ignore_index
        self._cache: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}

    def transform(self, results: dict) -> dict:
        """Add image and label map; see the class for the keys.

        Raises:
            KeyError: Neither the data set nor this transform has an ``image_size``.
            ValueError: A side is shorter than 16 pixels.
        """
        image, gt_seg = self._render((int(results['scene_seed']), *self._size(results)))
        if not results['is_labeled']:
            gt_seg = np.full_like(gt_seg, self.ignore_index)
        # Copies: Flip works in place and would flip the cached scene.
        results['gt'] = image.copy()
        results['gt_seg'] = gt_seg[..., None].copy()
        results['ori_gt_shape'] = image.shape
        results['gt_channel_order'] = 'bgr'
        results['gt_color_type'] = 'color'
        return results

    def _size(self, results: dict) -> tuple[int, int]:
        size = results.get('image_size') if self.image_size is None else self.image_size
        if size is None:
            raise KeyError(
                'LoadProceduralScene needs image_size; set it in the data set or in the transform.'
            )
        size = (size, size) if isinstance(size, int) else tuple(size)
        if min(size) < 16:
            raise ValueError(
                f'image_size is {size}; a scene needs at least 16 pixels per side, and 48 to be '
                'recognisable.'
            )
        return size

    def _render(self, key: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Scene of (scene_seed, height, width), from memory if it was rendered before."""
        scene = self._cache.get(key)
        if scene is None:
            scene = render_scene(*key)
            if len(self._cache) < self.cache_size:
                self._cache[key] = scene
        return scene

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(image_size={self.image_size}, '
            f'cache_size={self.cache_size}, ignore_index={self.ignore_index})'
        )
