"""The one way in which files of pictures are opened."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from typing import IO, Union

from PIL import Image, PngImagePlugin, UnidentifiedImageError

from fbinpaint_mm.user_error import UserError

PictureFile = Union[str, 'os.PathLike[str]', IO[bytes]]

# Pillow's names. It also knows formats that start a program (EPS starts Ghostscript), vector and
# document formats, and old ones whose decoders nobody looks after.
FORMATS = ('AVIF', 'BMP', 'GIF', 'JPEG', 'JPEG2000', 'PNG', 'PPM', 'TGA', 'TIFF', 'WEBP')
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
        with Image.open(file, formats=FORMATS) as image:
            yield image
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError(f'{name} is no image of a known format ({", ".join(FORMATS)})') from error
    except DECODING_ERRORS as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise UserError(f'{name} cannot be decoded: {error}') from error
