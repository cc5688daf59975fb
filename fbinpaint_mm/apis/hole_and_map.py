"""What a user says about a picture, checked: where the hole is, and what shall be in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fbinpaint_mm.mask import hole_of
from fbinpaint_mm.models.feedback import IGNORE_INDEX
from fbinpaint_mm.picture import Picture, PictureSource, read_mask
from fbinpaint_mm.user_error import UserError

FULL_MASK = 'the mask is the whole picture: nothing of it is known'
WHAT_IS_A_HOLE = 'of a mask in 0..255, pixels above 127 are the hole'


def read_hole(source: PictureSource, picture: Picture) -> np.ndarray:
    """Reads the mask of a picture.

    Args:
        source: Array, Pillow image or path, of the size of the upright picture.
            :func:`fbinpaint_mm.mask.hole_of` says what the hole is.
        picture: What the mask belongs to.

    Returns:
        (H, W) bool, True in the hole.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If the source is no array, image or path.
        UserError: If it is no image, or has another size, or values that are no mask's.
    """
    hole = hole_of(read_mask(source))
    _check_size(hole, picture)
    return hole


def notes_on_mask(source: PictureSource, hole: np.ndarray) -> list[str]:
    """What the user should know of a mask that was read and is of one color.

    Args:
        source: As of `read_hole`.
        hole: What it has read.

    Returns:
        Sentences; none for a mask of both colors.
    """
    if hole.all():
        return [FULL_MASK]
    is_plain = isinstance(source, np.ndarray) and source.dtype == bool
    return [] if is_plain or hole.any() else [WHAT_IS_A_HOLE]


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
        semantic_map_mask: (H, W) bool or 0/1, outside of which nothing is dictated; ``None``: no
            such mask. Nothing is dictated where the map is 255, either.
        size: Height and width of the picture.
        num_classes: K of the model.
        classes: Names of the classes, for messages.

    Returns:
        (H, W) uint8 class ids, 255 where the model's own map stays; ``None`` if nothing is.

    Raises:
        UserError: If the model has no semantics, a size or a data type does not fit, an id is out
            of range, or there is a mask without a map.
    """
    if semantic_map is None:
        if semantic_map_mask is not None:
            raise UserError('semantic_map_mask is given without a semantic_map')
        return None
    if num_classes == 0:
        raise UserError(
            'semantic_map is given, but this model has no semantics (segmentor=None) and reads none'
        )
    ids = np.asarray(semantic_map)
    _check_plane('semantic_map', ids, size, 'iu', 'integers')
    dictated = ids != IGNORE_INDEX
    if semantic_map_mask is not None:
        mask = np.asarray(semantic_map_mask)
        _check_plane('semantic_map_mask', mask, size, 'biu', 'bool, or 0 and 1')
        dictated &= mask != 0
    _check_ids(ids[dictated], num_classes, classes)
    return np.where(dictated, ids, IGNORE_INDEX).astype(np.uint8)


def _check_size(hole: np.ndarray, picture: Picture) -> None:
    height, width = hole.shape
    if (height, width) == picture.size:
        return
    hint = ''
    if picture.orientation != 1 and (width, height) == picture.size:
        hint = (
            f'. The image was turned upright, as its EXIF orientation {picture.orientation} says: '
            'turn the mask too'
        )
    expected = '{}x{}'.format(*picture.size)
    raise UserError(
        f'mask: found size {height}x{width} (height x width), expected that of the image, '
        f'{expected}{hint}'
    )


def _check_plane(
    name: str, values: np.ndarray, size: tuple[int, int], kinds: str, what: str
) -> None:
    if values.ndim == 0:
        raise UserError(f'{name}: found {values.item()!r}, expected an array')
    if values.shape != tuple(size):
        raise UserError(
            f'{name}: found shape {values.shape}, expected that of the image, {tuple(size)}'
        )
    if values.dtype.kind not in kinds:
        raise UserError(f'{name}: found data type {values.dtype}, expected {what}')


def _check_ids(ids: np.ndarray, num_classes: int, classes: Sequence[str] | None) -> None:
    wrong = ids[(ids < 0) | (ids >= num_classes)]
    if wrong.size:
        names = f' ({", ".join(classes)})' if classes else ''
        raise UserError(
            f'semantic_map: class id {wrong[0]} is out of range, expected 0..{num_classes - 1}'
            f'{names}, or {IGNORE_INDEX} where nothing is dictated'
        )
