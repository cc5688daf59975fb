"""Renders a procedural scene in the place of reading an image."""

from __future__ import annotations

import numpy as np
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from fbinpaint_mm.datasets.procedural import render_scene


@TRANSFORMS.register_module()
class LoadProceduralScene(BaseTransform):
    """Render the scene of ``scene_seed``; an unlabelled sample gets an all-unknown label map.

    Required keys: ``scene_seed`` (int), ``is_labeled`` (bool).
    Added keys: ``gt`` (H,W,3) uint8 BGR; ``gt_seg`` (H,W,1) uint8 class ids, ``ignore_index``
    everywhere for an unlabelled sample; ``ori_gt_shape``, ``gt_channel_order`` and
    ``gt_color_type`` as mmagic's ``LoadImageFromFile`` sets them.

    Args:
        image_size: Height and width in pixels, or one number for both; best 48 or more.
        cache_size: Rendered scenes kept in memory (per worker); 0 keeps none.
        ignore_index: Id that means "unknown".

    Raises:
        ValueError: A size is smaller than 16.
    """

    def __init__(
        self,
        image_size: int | tuple[int, int] = 64,
        cache_size: int = 2048,
        ignore_index: int = 255,
    ) -> None:
        size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
        if min(size) < 16:
            raise ValueError(
                f'image_size is {image_size}; a scene needs at least 16 pixels per side, and 48 to '
                'be recognisable.'
            )
        self.size = size
        self.cache_size = cache_size
        self.ignore_index = ignore_index
        self._cache: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def transform(self, results: dict) -> dict:
        """Add image and label map; see the class for the keys."""
        image, gt_seg = self._render(int(results['scene_seed']))
        if not results['is_labeled']:
            gt_seg = np.full_like(gt_seg, self.ignore_index)
        # Copies: Flip works in place and would flip the cached scene.
        results['gt'] = image.copy()
        results['gt_seg'] = gt_seg[..., None].copy()
        results['ori_gt_shape'] = image.shape
        results['gt_channel_order'] = 'bgr'
        results['gt_color_type'] = 'color'
        return results

    def _render(self, scene_seed: int) -> tuple[np.ndarray, np.ndarray]:
        scene = self._cache.get(scene_seed)
        if scene is None:
            scene = render_scene(scene_seed, *self.size)
            if len(self._cache) < self.cache_size:
                self._cache[scene_seed] = scene
        return scene

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(image_size={self.size}, cache_size={self.cache_size})'
