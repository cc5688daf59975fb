"""Reads the label map of an image."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from PIL import Image

from fbinpaint_mm.datasets.corrupt_file_error import CorruptFileError
from fbinpaint_mm.datasets.image_problem import DECODING_ERRORS, image_problem


@TRANSFORMS.register_module()
class LoadSemanticMap(BaseTransform):
    """Read the label map of a labelled image; an unlabelled image gets "unknown" everywhere.

    Required keys: ``gt`` (H,W,3); ``seg_map_path`` (str, or None for an unlabelled image).
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
        """Add ``gt_seg``.

        Args:
            results: Result dict of the pipeline, see the class.

        Returns:
            The same dict with ``gt_seg`` (H,W,1) uint8.

        Raises:
            FileNotFoundError: The label map does not exist.
            CorruptFileError: It is truncated, damaged or no image.
            ValueError: It has several channels, another size than the image or ids outside the
                classes.
        """
        height, width = results['gt'].shape[:2]
        path = results['seg_map_path']
        if path is None:
            gt_seg = np.full((height, width), self.ignore_index, np.uint8)
        else:
            gt_seg = self._read(path, (height, width))
            gt_seg = self._apply_label_map(gt_seg, results.get('label_map'))
            self._check_ids(gt_seg, path, results.get('num_classes'))
        results['gt_seg'] = gt_seg[..., None]
        return results

    @staticmethod
    def _read(path: str, size: tuple[int, int]) -> np.ndarray:
        if not Path(path).is_file():
            raise FileNotFoundError(
                f'Label map {path} does not exist. Correct the annotation, or set seg_map_path to '
                'None to use the image as an unlabelled one.'
            )
        gt_seg = _decode(path)
        if gt_seg.ndim != 2 or gt_seg.dtype != np.uint8:
            raise ValueError(
                f'Label map {path} has shape {gt_seg.shape} and type {gt_seg.dtype}. Expected one '
                '8-bit channel of class ids (H, W); convert colour maps to class ids first.'
            )
        if gt_seg.shape != size:
            raise ValueError(
                f'Label map {path} is {gt_seg.shape[0]}x{gt_seg.shape[1]} (height x width) but its '
                f'image is {size[0]}x{size[1]}. Resize the map (nearest neighbour) or the image.'
            )
        return gt_seg

    @staticmethod
    def _apply_label_map(gt_seg: np.ndarray, label_map: dict | None) -> np.ndarray:
        if not label_map:
            return gt_seg
        table = np.arange(256, dtype=np.uint8)
        for old_id, new_id in label_map.items():
            table[old_id] = new_id
        return table[gt_seg]

    def _check_ids(self, gt_seg: np.ndarray, path: str, num_classes: int | None) -> None:
        if num_classes is None:
            return
        wrong = gt_seg[(gt_seg >= num_classes) & (gt_seg != self.ignore_index)]
        if wrong.size:
            ids = ', '.join(str(i) for i in np.unique(wrong)[:10])
            raise ValueError(
                f'Label map {path} holds id {ids}; expected 0..{num_classes - 1}, or '
                f'{self.ignore_index} for unknown. Give a label_map that merges or drops the id, '
                'or correct the file.'
            )

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(ignore_index={self.ignore_index})'


def _decode(path: str) -> np.ndarray:
    content = Path(path).read_bytes()
    problem = image_problem(content)
    if problem is None:
        try:
            # Pillow, not OpenCV, which turns the ids of a palette PNG into colours.
            with Image.open(BytesIO(content)) as image:
                return np.array(image)
        except DECODING_ERRORS as error:
            problem = str(error)
    raise CorruptFileError(
        f'Label map {path} cannot be read as an image ({problem}). Expected a PNG of class ids.'
    )
