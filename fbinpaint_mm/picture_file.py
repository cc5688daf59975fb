"""The one way in which files of pictures are opened and turned upright."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from typing import IO, Union

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, UnidentifiedImageError

from fbinpaint_mm.user_error import UserError

PictureFile = Union[str, 'os.PathLike[str]', IO[bytes]]

# Pillow's names. It also knows formats that start a program (EPS starts Ghostscript), vector and
# document formats, and old ones whose decoders nobody looks after.
FORMATS = ('AVIF', 'BMP', 'GIF', 'JPEG', 'JPEG2000', 'PNG', 'PPM', 'TGA', 'TIFF', 'WEBP')
# How files are named that are looked for in folders.
SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.tif', '.tiff')
# What Pillow raises for damaged files, and for one that is too large for it.
DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    EOFError,
    RuntimeError,
    struct.error,
    Image.DecompressionBombError,
)
# EXIF orientations whose rows are columns, whose rows are then from the bottom, columns from the
# right.
SIDEWAYS, UPSIDE_DOWN, LEFT_RIGHT = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)
PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
# By default Pillow refuses a PNG with a text or color profile above 1 MiB, as ComfyUI and Photoshop
# write. All texts of a file together may have 64 MiB.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY


@contextlib.contextmanager
def open_picture(file: PictureFile, name: str) -> Iterator[Image.Image]:
    """Opens a picture: the header is read, pixels are decoded when they are asked for.

    Every error of Pillow's within the ``with`` block becomes one sentence.

    Args:
        file: Path, or a binary file that is open.
        name: How messages begin, such as ``"mask 'a.png'"``.

    Yields:
        The picture as stored, of one of ``FORMATS``, whatever its suffix. It is closed at the end.

    Raises:
        UserError: It is of another format, damaged, or has more pixels than Pillow's
            ``2 * MAX_IMAGE_PIXELS``.
        OSError: The file is missing or not readable.
    """
    try:
        with contextlib.ExitStack() as stack:
            if isinstance(file, (str, os.PathLike)):
                # Pillow maps uncompressed files that it opens by their path into memory, and then
                # mixes up the rows of a TIFF that lies on its side.
                file = stack.enter_context(open(file, 'rb'))
            image = stack.enter_context(Image.open(file, formats=FORMATS))
            yield image
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError(f'{name} is no image of a known format ({", ".join(FORMATS)})') from error
    except DECODING_ERRORS as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise UserError(f'{name} cannot be decoded: {error}') from error


def exif_of(image: Image.Image) -> Image.Exif:
    """The EXIF data of a picture, with the orientation of its XMP data where EXIF names none.

    Args:
        image: Opened; pixels need not be decoded.

    Returns:
        Tags by number; none if the data are damaged, which says nothing about the pixels.
    """
    if isinstance(image, PngImagePlugin.PngImageFile) and _goes_on_after_pixels(image):
        image.load()
    try:
        return Image.Image.getexif(image)  # that of PNG would always decode the pixels
    except DECODING_ERRORS:
        return Image.Exif()


def orientation_of(image: Image.Image) -> int:
    """How a decoded picture has to be turned to be upright.

    Args:
        image: Opened; pixels need not be decoded.

    Returns:
        EXIF orientation, 1 to 8; 1 for none. Also 1 for a TIFF that names one in its own tags: both
        Pillow and OpenCV turn it while they decode.
    """
    if ExifTags.Base.Orientation in getattr(image, 'tag_v2', ()):
        return 1
    orientation = exif_of(image).get(ExifTags.Base.Orientation, 1)
    return orientation if orientation in range(1, 9) else 1


def turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turns and mirrors what a decoder gave.

    Args:
        pixels: (h, w) or (h, w, C), of any data type.
        orientation: From ``orientation_of``.

    Returns:
        (H, W) or (H, W, C), the same array if it is upright already.
    """
    if orientation in SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    down, right = (-1 if orientation in mirrored else 1 for mirrored in (UPSIDE_DOWN, LEFT_RIGHT))
    return np.ascontiguousarray(pixels[::down, ::right])


def _goes_on_after_pixels(image: PngImagePlugin.PngImageFile) -> bool:
    """Whether a PNG has metadata behind its pixels that are not read yet, or is cut."""
    file = image.fp
    if file is None or image.png is None:  # it is decoded
        return False
    place, kinds = file.tell(), [b'']
    file.seek(len(PNG_SIGNATURE))
    while kinds[-1] != b'IEND' and len(head := file.read(8)) == 8:
        kinds.append(head[4:])
        file.seek(int.from_bytes(head[:4], 'big') + 4, os.SEEK_CUR)  # content and checksum
    file.seek(place)
    return kinds[-2:] != [b'IDAT', b'IEND']
