"""Maps that a user dictates, checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fbinpaint_mm.models.feedback import IGNORE_INDEX


def read_dictated_map(
    semantic_map: np.ndarray | None,
    semantic_map_mask: np.ndarray | None,
    size: tuple[int, int],
    num_classes: int,
    classes: Sequence[str] | None = None,
) -> np.ndarray | None:
    """Checks a map that a user dictates, in part or whole.

    Args:
        semantic_map: (H, W) integer class ids; ``None``: nothing is dictated.
        semantic_map_mask: (H, W) bool or 0/1, where the map is dictated; ``None``: where it is not
            255.
        size: Height and width of the picture.
        num_classes: K of the model.
        classes: Names of the classes, for messages.

    Returns:
        (H, W) uint8 class ids, 255 where the model's own map stays; ``None`` if nothing is.

    Raises:
        ValueError: If the model has no semantics, a size or a data type does not fit, an id is out
            of range, or there is a mask without a map.
    """
    if semantic_map is None:
        if semantic_map_mask is not None:
            raise ValueError('semantic_map_mask is given without a semantic_map')
        return None
    if num_classes == 0:
        raise ValueError(
            'semantic_map is given, but this model has no semantics (segmentor=None) and reads none'
        )
    ids = np.asarray(semantic_map)
    _check('semantic_map', ids, size, 'iu', 'integers')
    dictated = ids != IGNORE_INDEX
    if semantic_map_mask is not None:
        mask = np.asarray(semantic_map_mask)
        _check('semantic_map_mask', mask, size, 'biu', 'bool, or 0 and 1')
        dictated = mask != 0
    _check_ids(ids[dictated], num_classes, classes)
    return np.where(dictated, ids, IGNORE_INDEX).astype(np.uint8)


def _check(name: str, values: np.ndarray, size: tuple[int, int], kinds: str, what: str) -> None:
    if values.shape != tuple(size):
        raise ValueError(
            f'{name}: found shape {values.shape}, expected that of the image, {tuple(size)}'
        )
    if values.dtype.kind not in kinds:
        raise ValueError(f'{name}: found data type {values.dtype}, expected {what}')


def _check_ids(ids: np.ndarray, num_classes: int, classes: Sequence[str] | None) -> None:
    wrong = ids[(ids < 0) | (ids >= num_classes)]
    if wrong.size:
        names = f' ({", ".join(classes)})' if classes else ''
        raise ValueError(
            f'semantic_map: class id {wrong[0]} is out of range, expected 0..{num_classes - 1}'
            f'{names}, or {IGNORE_INDEX} where nothing is dictated'
        )
