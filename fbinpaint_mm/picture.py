"""Pictures of any common format: read for the network, and given back as they came."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

import cv2
import numpy as np
from PIL import Image

from fbinpaint_mm.picture_file import (
    DECODING_ERRORS,
    open_picture,
    orientation_of,
    turn_upright,
)
from fbinpaint_mm.user_error import UserError

PictureSource = Union[np.ndarray, Image.Image, str, 'os.PathLike[str]']

KEPT_MODES = ('L', 'LA', 'RGB', 'RGBA')
# Modes whose colors fit another one without loss; all others go to RGB with a note.
EQUAL_MODES = {'1': 'L', 'La': 'LA', 'PA': 'RGBA', 'RGBX': 'RGB', 'RGBa': 'RGBA'}
# In Pillow's name of how a file stores its pixels; 'BGR;16' has 16 bits for all three together.
SIXTEEN_BITS_EACH = re.compile(';16[BLN]')
LUMA_BGR = np.array([0.114, 0.587, 0.299], np.float32)  # ITU-R BT.601, as Pillow and OpenCV do
TO_8_BIT = {np.dtype(np.uint8): 1.0, np.dtype(np.uint16): 257.0}


@dataclass(frozen=True)
class Picture:
    """An upright picture.

    Args:
        pixels: (H, W), (H, W, 1) gray, (H, W, 2) gray and alpha, (H, W, 3) RGB or (H, W, 4) RGB and
            alpha; uint8 or uint16.
        orientation: EXIF orientation that was applied, 1 for none.
        notes: What happened to it that the user should know.
    """

    pixels: np.ndarray
    orientation: int = 1
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.pixels.shape[:2]
        return height, width


def read_picture(source: PictureSource, name: str, floats: bool = False) -> Picture:
    """Reads a picture and turns it upright.

    Args:
        source: Array as :class:`Picture` has them, Pillow image, or path of a file.
        name: What to call it in messages, such as ``'image'`` or ``'mask'``.
        floats: Whether Pillow images and files may be of floats, as masks may.

    Returns:
        The picture; an array of the caller's is not copied.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If the source is none of the three.
        UserError: If it is no image, is a folder, is damaged, or has a data type or shape that no
            picture has, or if a file holds several pictures.
    """
    if isinstance(source, np.ndarray):
        return Picture(_checked(source, name))
    if isinstance(source, Image.Image):
        return _from_pil(source, name, floats)
    if isinstance(source, (str, os.PathLike)):
        return _from_file(Path(source), name, floats)
    raise TypeError(
        f'{name}: found {type(source).__name__}, expected a numpy array, a Pillow image or a path'
    )


def read_mask(source: PictureSource) -> np.ndarray:
    """Reads a mask: as a picture is read, but floats are taken too.

    Args:
        source: Array of any kind, Pillow image, or path of a file.

    Returns:
        Upright pixels, as :class:`Picture` has them or (H, W) float32; an array as it is.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If the source is none of the three.
        UserError: As `read_picture`.
    """
    if isinstance(source, np.ndarray):
        return source
    return read_picture(source, 'mask', floats=True).pixels


def to_network(pixels: np.ndarray) -> np.ndarray:
    """(h, w) or (h, w, C) pixels of a picture -> (h, w, 3) float32 BGR in 0..255."""
    planes = pixels.reshape(*pixels.shape[:2], -1)
    color = planes[..., 2::-1] if planes.shape[-1] >= 3 else planes[..., [0, 0, 0]]
    return color.astype(np.float32) / np.float32(TO_8_BIT[pixels.dtype])


def to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Values of 8 or 16 bits, as uint8, rounded."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def put_colors(pixels: np.ndarray, where: np.ndarray, color: np.ndarray) -> None:
    """Writes what a network has painted into a picture, and leaves its alpha alone.

    Args:
        pixels: (h, w) or (h, w, C) pixels of a picture; changed in place.
        where: (h, w) bool, the pixels to change.
        color: (h, w, 3) float32 BGR in 0..255.
    """
    planes = pixels if pixels.ndim == 3 else pixels[..., None]
    painted = color[where]
    painted = painted[:, ::-1] if planes.shape[-1] >= 3 else (painted @ LUMA_BGR)[:, None]
    scale = TO_8_BIT[pixels.dtype]
    painted = np.rint(painted * scale).clip(0, 255 * scale)
    planes[..., : painted.shape[1]][where] = painted.astype(pixels.dtype)


def has_alpha(pixels: np.ndarray) -> bool:
    """Whether the last channel of a picture's pixels is alpha."""
    return pixels.ndim == 3 and pixels.shape[-1] in (2, 4)


def to_pil(pixels: np.ndarray) -> Image.Image:
    """Pixels of a picture for Pillow.

    Raises:
        UserError: If they have 16 bits and color or alpha, for which Pillow has no mode.
    """
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    if pixels.dtype == np.uint16 and pixels.ndim == 3:
        raise UserError(
            'Pillow has no mode for 16-bit pictures with color or alpha. Write the array, e.g. '
            "cv2.imwrite('x.png', cv2.cvtColor(image, cv2.COLOR_RGB2BGR)), or divide it by 257"
        )
    return Image.fromarray(pixels)


def _from_file(path: Path, name: str, floats: bool) -> Picture:
    if path.is_dir():
        raise UserError(f'{name}: {str(path)!r}: found a folder, expected a file')
    if not path.is_file():
        raise FileNotFoundError(f'{name}: there is no file {str(path)!r}')
    with open_picture(path, f'{name}: {str(path)!r}') as image:
        _refuse_several_frames(image, f'{name} {str(path)!r}')
        # Loading forgets how the file stores its pixels, and Pillow turns a TIFF in doing so.
        is_deep = SIXTEEN_BITS_EACH.search(str(getattr(image, 'tile', '')))
        orientation = orientation_of(image)
        image.load()
        if is_deep and image.mode in KEPT_MODES:
            return _from_16_bit_colors(path, image, orientation)
        return _from_pil(image, f'{name} {str(path)!r}', floats)


def _refuse_several_frames(image: Image.Image, name: str) -> None:
    # MPO is what telephones write: a JPEG with a preview behind it.
    # Not counted: for a TIFF of 300,000 pictures in 34 MB Pillow would take several minutes.
    if getattr(image, 'is_animated', False) and image.format != 'MPO':
        raise UserError(f'{name} holds several pictures; expected a file with a single one')


def _from_16_bit_colors(path: Path, image: Image.Image, orientation: int) -> Picture:
    """Pillow reduces 16-bit colors to 8 bits, OpenCV does not."""
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise OSError('its 16-bit colors are of a kind that OpenCV cannot read')
    notes = [_note(image, 'RGBA')] if 'transparency' in image.info else []
    # Gray with alpha comes as BGRA.
    order = [0, 3] if image.mode == 'LA' else [2, 1, 0, 3][: pixels.shape[-1]]
    return Picture(turn_upright(pixels[..., order], orientation), orientation, notes)


def _from_pil(image: Image.Image, name: str, floats: bool) -> Picture:
    try:
        image.load()  # Pillow opens files without looking at more than the beginning
    except DECODING_ERRORS as error:
        raise UserError(f'{name}: cannot be decoded: {error}') from error
    orientation = orientation_of(image)
    if image.mode == 'F' and floats:
        return Picture(turn_upright(np.asarray(image), orientation), orientation)
    pixels, notes = _pixels_of(image, name)
    return Picture(turn_upright(pixels, orientation), orientation, notes)


def _pixels_of(image: Image.Image, name: str) -> tuple[np.ndarray, list[str]]:
    """Pixels as a picture has them, and what the user should know about that."""
    if image.mode == 'F':
        raise UserError(f"{name}: Pillow mode 'F' is not supported; expected 8 or 16 bits")
    if image.mode.startswith('I'):
        return _16_bit_gray(image, name)
    kept = image.mode if image.mode in KEPT_MODES else EQUAL_MODES.get(image.mode)
    mode = kept or 'RGB'
    if 'transparency' in image.info and mode in ('L', 'RGB'):
        mode += 'A'
    notes = [] if mode == kept else [_note(image, mode)]
    return np.asarray(image if mode == image.mode else image.convert(mode)), notes


def _note(image: Image.Image, returned: str) -> str:
    transparent = ' with a transparent color' if 'transparency' in image.info else ''
    return f'a picture of mode {image.mode}{transparent} is returned as {returned}'


def _16_bit_gray(image: Image.Image, name: str) -> tuple[np.ndarray, list[str]]:
    pixels = np.asarray(image)
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > 65535:  # of mode 'I', which some versions of Pillow make of 16-bit PNGs
        raise UserError(
            f'{name}: Pillow mode {image.mode!r} with values from {low} to {high}; expected values '
            'of 16 bits, 0 to 65535'
        )
    pixels = pixels.astype(np.uint16)
    transparent = image.info.get('transparency')
    if transparent is None:
        return pixels, []
    alpha = np.where(pixels == transparent, 0, 65535).astype(np.uint16)
    return np.dstack([pixels, alpha]), [_note(image, '16-bit gray with alpha')]


def _checked(pixels: np.ndarray, name: str) -> np.ndarray:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim not in (2, 3) or not 1 <= channels <= 4 or 0 in pixels.shape:
        raise UserError(
            f'{name}: found an array of shape {pixels.shape}, expected (H, W) or (H, W, C) with '
            'C from 1 to 4'
        )
    if pixels.dtype not in TO_8_BIT:
        raise UserError(
            f'{name}: found data type {pixels.dtype}, expected uint8 in 0..255 or uint16 in '
            '0..65535, RGB; convert values in 0..1 with (255 * image).round().astype(numpy.uint8)'
        )
    return pixels
