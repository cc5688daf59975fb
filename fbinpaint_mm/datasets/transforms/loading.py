"""Transforms that begin a pipeline: they read an image and its label map, or render both."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import mmcv
import numpy as np
from mmagic.datasets.transforms import LoadImageFromFile
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.fileio import get

from fbinpaint_mm.datasets.file_checks import (
    CorruptFileError,
    check_label_ids,
    image_problem,
    read_label_ids,
)
from fbinpaint_mm.datasets.image_size import checked_size, size_of_sample
from fbinpaint_mm.datasets.procedural import render_scene
from fbinpaint_mm.picture_file import open_picture, orientation_of, turn_upright
from fbinpaint_mm.user_error import UserError

# OpenCV knows the orientation of some formats, and only from EXIF: what is read here is turned by
# the rule of :mod:`fbinpaint_mm.picture_file`, as labels and checks are.
AS_STORED = dict(color='color_ignore_orientation', grayscale='grayscale_ignore_orientation')

MAX_SCENES = 2048  # rendered ones, kept in the memory of each worker


@TRANSFORMS.register_module()
class LoadWholeImage(LoadImageFromFile):
    """mmagic's ``LoadImageFromFile``, with the same arguments and pixels, that names a bad file.

    The file is read once; :func:`image_problem` looks at its bytes before it is decoded. Images of
    all formats and color types come upright.

    Raises:
        CorruptFileError: The file is truncated, damaged or no image.
        FileNotFoundError: It is not there.
    """

    def _load_image(self, filename: str) -> np.ndarray:
        content = self.cache.get(filename) or get(filename, backend_args=self.backend_args)
        if self.use_cache:
            self.cache[filename] = content
        problem = image_problem(content)
        if problem is not None:
            raise CorruptFileError(f'Image {filename} cannot be read ({problem}).')
        with open_picture(BytesIO(content), f'Image {filename}') as header:
            orientation = orientation_of(header)
        image = self._decode(content)
        if image is None:
            raise CorruptFileError(f'Image {filename} cannot be decoded by OpenCV.')
        return turn_upright(image, orientation)

    def _decode(self, content: bytes) -> np.ndarray | None:
        backend, order = self.imdecode_backend, self.channel_order
        # TurboJPEG has no such flag, and turns nothing.
        flag = AS_STORED.get(self.color_type) if backend != 'turbojpeg' else None
        image = mmcv.imfrombytes(
            content=content, flag=flag or self.color_type, channel_order=order, backend=backend
        )
        # mmcv gives BGR for this flag of OpenCV, whatever the order.
        is_reversed = flag == AS_STORED['color'] and order == 'rgb' and backend in (None, 'cv2')
        return image[..., ::-1] if is_reversed and image is not None else image


@TRANSFORMS.register_module()
class LoadSemanticMap(BaseTransform):
    """Read the label map of a labeled image; an unlabeled image gets "unknown" everywhere.

    Required keys: ``gt`` (H,W,3); ``seg_map_path`` (str, or None for an unlabeled image).
    Optional keys: ``label_map`` (dict old id -> new id, applied first); ``num_classes`` (int).
    A map is an image of one 8-bit channel, or a palette image whose indices are the ids.
    Added key: ``gt_seg`` (H,W,1) uint8 class ids, ``ignore_index`` where unknown. It stays uint8 in
    the pipeline because OpenCV can neither resize nor flip int64;
    :class:`PackSemanticInputs` turns it into int64.

    Args:
        ignore_index: Id that means "unknown".
    """

    def __init__(self, ignore_index: int = 255) -> None:
        self.ignore_index = ignore_index

    def transform(self, results: dict) -> dict:
        """Add ``gt_seg``; see the class for the keys.

        Raises:
            FileNotFoundError: The label map does not exist.
            CorruptFileError: It is truncated, damaged or no image.
            UserError: It has several channels, another size than the image or ids outside the
                classes.
        """
        size, path = results['gt'].shape[:2], results['seg_map_path']
        if path is None:
            gt_seg = np.full(size, self.ignore_index, np.uint8)
        else:
            gt_seg = self._read(path, size)
            if results.get('label_map'):
                gt_seg = exchange_ids(gt_seg, results['label_map'])
            if results.get('num_classes') is not None:
                check_label_ids(gt_seg, path, results['num_classes'], self.ignore_index)
        results['gt_seg'] = gt_seg[..., None]
        return results

    @staticmethod
    def _read(path: str, size: tuple[int, int]) -> np.ndarray:
        if not Path(path).is_file():
            raise FileNotFoundError(
                f'label map {path!r} does not exist; correct the annotation, or set seg_map_path '
                'to None to use the image as an unlabeled one'
            )
        gt_seg = read_label_ids(path)
        if gt_seg.shape != size:
            raise UserError(
                f'label map {path!r} is {gt_seg.shape[0]}x{gt_seg.shape[1]} (height x width) but '
                f'its image is {size[0]}x{size[1]}; resize the map (nearest neighbor) or the image'
            )
        return gt_seg

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(ignore_index={self.ignore_index})'


def exchange_ids(ids: np.ndarray, new_ids: dict[int, int]) -> np.ndarray:
    """Replace class ids, all at once.

    Args:
        ids: Class ids, uint8, any shape.
        new_ids: Old id -> new id, both in 0..255; an id without an entry stays.

    Returns:
        An array of the same shape and type.
    """
    table = np.arange(256, dtype=np.uint8)
    table[list(new_ids)] = list(new_ids.values())
    return table[ids]


@TRANSFORMS.register_module()
class LoadProceduralScene(BaseTransform):
    """Render the scene of ``scene_seed``; an unlabeled sample gets an all-unknown label map.

    Required keys: ``scene_seed`` (int), ``is_labeled`` (bool); ``image_size`` unless given here.
    Added keys: ``gt`` (H,W,3) uint8 BGR; ``gt_seg`` (H,W,1) uint8 class ids, ``ignore_index``
    everywhere for an unlabeled sample; ``ori_gt_shape``, ``gt_channel_order`` and
    ``gt_color_type`` as mmagic's ``LoadImageFromFile`` sets them.

    Args:
        image_size: Side, or (height, width), in pixels, best 48 or more; by default the data set's.
        ignore_index: Id that means "unknown".
    """

    def __init__(
        self, image_size: int | tuple[int, int] | None = None, ignore_index: int = 255
    ) -> None:
        self.image_size = None if image_size is None else checked_size(image_size)
        self.ignore_index = ignore_index
        self._cache: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}

    def transform(self, results: dict) -> dict:
        """Add image and label map; see the class for the keys.

        Raises:
            UserError: Neither the data set nor this transform has an ``image_size``, or a side is
                shorter than 16 pixels.
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
        size = size_of_sample(self.image_size, results, 'LoadProceduralScene')
        if min(size) < 16:
            raise UserError(
                f'image_size is {size}; a scene needs at least 16 pixels per side, and 48 to be '
                'recognizable.'
            )
        return size

    def _render(self, key: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Scene of (scene_seed, height, width), from memory if it was rendered before."""
        scene = self._cache.get(key)
        if scene is None:
            scene = render_scene(*key)
            if len(self._cache) < MAX_SCENES:
                self._cache[key] = scene
        return scene

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(image_size={self.image_size}, '
            f'ignore_index={self.ignore_index})'
        )
