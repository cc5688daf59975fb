"""Pictures of any common format: read for the network, and given back as they came."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

PictureSource = Union[np.ndarray, Image.Image, str, 'os.PathLike[str]']

EXIF_ORIENTATION = 0x0112
# What turns the stored pixels upright, by the value of the EXIF tag.
UPRIGHT = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
KEPT_MODES = ('L', 'LA', 'RGB', 'RGBA')
SIXTEEN_BIT_MODES = ('I;16', 'I;16B', 'I;16L', 'I;16N')
# In Pillow's name of how a file stores its pixels; 'BGR;16' has 16 bits for all three together.
SIXTEEN_BITS_EACH = re.compile(';16[BLN]')
# Modes whose colours fit another one without loss; all others go to RGB with a note.
EQUAL_MODES = {'1': 'L', 'La': 'LA', 'PA': 'RGBA', 'RGBX': 'RGB', 'RGBa': 'RGBA'}
UNREADABLE_MODES = ('F',)
WITH_ALPHA = dict(L='LA', RGB='RGBA')
LUMA_BGR = np.array([0.114, 0.587, 0.299], np.float32)  # ITU-R BT.601, as Pillow and OpenCV do
TO_8_BIT = {np.dtype(np.uint8): 1.0, np.dtype(np.uint16): 257.0}


@dataclass(frozen=True)
class Picture:
    """An upright picture.

    Args:
        pixels: (H, W), (H, W, 1) grey, (H, W, 2) grey and alpha, (H, W, 3) RGB or (H, W, 4) RGB and
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
        return self.pixels.shape[:2]


def read_picture(source: PictureSource, name: str) -> Picture:
    """Reads a picture and turns it upright.

    Args:
        source: Array as :class:`Picture` has them, Pillow image, or path of a file.
        name: What to call it in messages, such as ``'image'`` or ``'mask'``.

    Returns:
        The picture; an array of the caller's is not copied.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If the source is none of the three.
        ValueError: If it is no image, is damaged, or has a data type or shape that no picture has.
    """
    if isinstance(source, np.ndarray):
        return Picture(_checked(source, name))
    if isinstance(source, Image.Image):
        return _from_pil(_loaded(source, name), name)
    if isinstance(source, (str, os.PathLike)):
        return _from_file(Path(source), name)
    raise TypeError(
        f'{name}: found {type(source).__name__}, expected a numpy array, a Pillow image or a path'
    )


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


def to_pil(pixels: np.ndarray) -> Image.Image:
    """Pixels of a picture for Pillow.

    Raises:
        ValueError: If they have 16 bits and colour or alpha, for which Pillow has no mode.
    """
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    if pixels.dtype == np.uint16 and pixels.ndim == 3:
        raise ValueError(
            'Pillow has no mode for 16-bit pictures with colour or alpha. Write the array, e.g. '
            "cv2.imwrite('x.png', cv2.cvtColor(image, cv2.COLOR_RGB2BGR)), or divide it by 257"
        )
    return Image.fromarray(pixels)


def _from_file(path: Path, name: str) -> Picture:
    if not path.is_file():
        raise FileNotFoundError(f'{name}: there is no file {str(path)!r}')
    try:
        with Image.open(path) as image:
            white = _white_of_16_bit_colors(image)
            image.load()
            if white is not None and image.mode in KEPT_MODES:
                return _from_16_bit_colors(path, image, white)
            return _from_pil(image, f'{name} {str(path)!r}')
    except UnidentifiedImageError as error:
        raise ValueError(f'{name}: {str(path)!r} is not an image that Pillow knows') from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f'{name}: {str(path)!r} cannot be decoded: {error}') from error


def _white_of_16_bit_colors(image: Image.Image) -> int | None:
    """Largest value of colours that the file stores with 16 bits each; ``None`` for others."""
    if SIXTEEN_BITS_EACH.search(str(image.tile)):
        return 65535
    if image.format == 'PPM' and image.mode == 'RGB':  # whose tile tells the largest value instead
        codec, *_, arguments = image.tile[0]
        if codec.startswith('ppm') and arguments[1] > 255:
            return arguments[1]
    return None


def _from_16_bit_colors(path: Path, image: Image.Image, white: int) -> Picture:
    """Pillow reduces 16-bit colours to 8 bits, OpenCV does not."""
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise OSError('its 16-bit colours are of a kind that OpenCV cannot read')
    if white != 65535:
        pixels = np.rint(pixels * (65535 / white)).astype(np.uint16)
    if image.mode == 'LA':  # which OpenCV gives as BGRA
        return _upright(pixels[..., [0, 3]], image)
    code = cv2.COLOR_BGR2RGB if pixels.shape[-1] == 3 else cv2.COLOR_BGRA2RGBA
    notes = [_note_of_alpha(image.mode)] if 'transparency' in image.info else []
    return _upright(cv2.cvtColor(pixels, code), image, notes)


def _note_of_alpha(mode: str) -> str:
    returned = WITH_ALPHA.get(mode, '16-bit grey with alpha')
    return f'a picture of mode {mode} with a transparent colour is returned as {returned}'


def _loaded(image: Image.Image, name: str) -> Image.Image:
    """The image, decoded: Pillow opens files without looking at more than the beginning."""
    try:
        image.load()
    except (OSError, SyntaxError) as error:
        raise ValueError(f'{name}: cannot be decoded: {error}') from error
    return image


def _from_pil(image: Image.Image, name: str) -> Picture:
    mode = image.mode
    if mode in UNREADABLE_MODES:
        raise ValueError(f'{name}: Pillow mode {mode!r} is not supported; expected 8 or 16 bits')
    if mode in WITH_ALPHA and 'transparency' in image.info:
        pixels = np.asarray(image.convert(WITH_ALPHA[mode]))
        return _upright(pixels, image, [_note_of_alpha(mode)])
    if mode in KEPT_MODES:
        return _upright(np.asarray(image), image)
    if mode in SIXTEEN_BIT_MODES or mode == 'I':
        return _from_16_bit_grey(image, name)
    if mode in EQUAL_MODES:
        return _upright(np.asarray(image.convert(EQUAL_MODES[mode])), image)
    converted = image.convert('RGBA' if 'transparency' in image.info else 'RGB')
    note = f'a picture of mode {mode} is returned as {converted.mode}'
    return _upright(np.asarray(converted), image, [note])


def _from_16_bit_grey(image: Image.Image, name: str) -> Picture:
    pixels = _narrowed(np.asarray(image), name)
    transparent = image.info.get('transparency')
    if transparent is None:
        return _upright(pixels, image)
    alpha = np.where(pixels == transparent, 0, 65535).astype(np.uint16)
    return _upright(np.dstack([pixels, alpha]), image, [_note_of_alpha(image.mode)])


def _narrowed(pixels: np.ndarray, name: str) -> np.ndarray:
    """As uint16; some versions of Pillow make 32-bit integers of 16-bit PNGs."""
    if pixels.min() < 0 or pixels.max() > 65535:
        raise ValueError(
            f"{name}: Pillow mode 'I' with values from {pixels.min()} to {pixels.max()}; expected "
            'values of 16 bits, 0 to 65535'
        )
    return pixels.astype(np.uint16)


def _upright(pixels: np.ndarray, image: Image.Image, notes: list[str] | None = None) -> Picture:
    orientation = image.getexif().get(EXIF_ORIENTATION, 1)
    turn = UPRIGHT.get(orientation)
    if turn is not None:
        pixels = np.ascontiguousarray(turn(pixels))
    return Picture(pixels, orientation if turn else 1, notes or [])


def _checked(pixels: np.ndarray, name: str) -> np.ndarray:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim not in (2, 3) or not 1 <= channels <= 4 or 0 in pixels.shape:
        raise ValueError(
            f'{name}: found an array of shape {pixels.shape}, expected (H, W) or (H, W, C) with '
            'C from 1 to 4'
        )
    if pixels.dtype not in TO_8_BIT:
        raise ValueError(
            f'{name}: found data type {pixels.dtype}, expected uint8 in 0..255 or uint16 in '
            '0..65535, RGB; convert values in 0..1 with (255 * image).round().astype(numpy.uint8)'
        )
    return pixels
