"""Masks of any common format, as holes."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.apis.picture import Picture, PictureSource, read_picture


def read_hole(source: PictureSource, picture: Picture) -> np.ndarray:
    """Reads the mask of a picture.

    Args:
        source: Array, Pillow image or path, of the size of the upright picture. The hole is True,
            or what is brighter than half: of 1 in floats and in integers that are all 0 or 1, else
            of 255, or of 65535 where a value is above 255. Of colours the mean counts, and what is
            transparent is no hole.
        picture: What the mask belongs to.

    Returns:
        (H, W) bool, True in the hole.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If the source is no array, image or path.
        ValueError: If it is no image, or has another size, or values that are no mask's.
    """
    if isinstance(source, np.ndarray):
        values = _checked(source)
    else:
        values = read_picture(source, 'mask').pixels
    _check_size(values, picture)
    white = _white_of(values)
    if values.ndim == 2:
        return values > white / 2
    alpha = values[..., -1] > white / 2 if values.shape[-1] in (2, 4) else True
    colors = values[..., :3] if values.shape[-1] >= 3 else values[..., :1]
    return (colors.mean(-1, dtype=np.float32) > white / 2) & alpha


def _checked(values: np.ndarray) -> np.ndarray:
    channels = values.shape[2] if values.ndim == 3 else 1
    if values.ndim not in (2, 3) or not 1 <= channels <= 4:
        raise ValueError(
            f'mask: found an array of shape {values.shape}, expected (H, W) or (H, W, C) with C '
            'from 1 to 4'
        )
    if values.dtype.kind not in 'biuf':
        raise ValueError(
            f'mask: found data type {values.dtype}, expected bool, integers or floats in 0..1'
        )
    return values


def _check_size(values: np.ndarray, picture: Picture) -> None:
    size = values.shape[:2]
    if size == picture.size:
        return
    hint = ''
    if picture.orientation != 1 and size == picture.size[::-1]:
        hint = (
            f'. The image was turned upright, as its EXIF orientation {picture.orientation} says: '
            'turn the mask too'
        )
    raise ValueError(
        f'mask: found size {_text(size)} (height x width), expected that of the image, '
        f'{_text(picture.size)}{hint}'
    )


def _white_of(values: np.ndarray) -> float:
    """The value of white, by the data type and the largest value."""
    if values.dtype == bool:
        return 1.0
    low, high = values.min(), values.max()
    limit = 1.0 if values.dtype.kind == 'f' else 65535
    if not (low >= 0 and high <= limit):  # also where a value is not a number
        raise ValueError(
            f'mask: found values from {low} to {high} of type {values.dtype}, expected 0 to '
            f'{limit:g}'
        )
    return next(white for white in (1.0, 255.0, 65535.0) if high <= white)


def _text(size: tuple[int, ...]) -> str:
    return f'{size[0]}x{size[1]}'
