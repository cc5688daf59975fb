"""Tells whole image files from truncated and damaged ones, without decoding most of them."""

from __future__ import annotations

import re
from io import BytesIO

from PIL import Image, UnidentifiedImageError

# Markers of JPEG (ITU-T T.81, B.1.1); the last one does not occur inside its coded pixels.
JPEG_START, JPEG_SCAN, JPEG_END = b'\xff\xd8', b'\xda', b'\xff\xd9'
JPEG_MARKER = re.compile(rb'\xff+([^\x00\xff])')  # any number of \xff may fill up before it
# Pillow's `verify` reads their lengths, and of PNG every checksum.
VERIFIED_FORMATS = ('PNG', 'WEBP')
# What Pillow raises for a file that it cannot or, because of its size, will not read.
DECODING_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def image_problem(content: bytes) -> str | None:
    """What is wrong with an image file; None if nothing is.

    Decoders differ in what they let pass: OpenCV 4 fills the missing part of a JPEG with grey and
    merely warns, Pillow takes a missing part that is filled with zeros for pixels. Therefore a JPEG
    must have its end marker behind the start of its pixels. Damage in the middle of a JPEG goes
    unseen: the format has no checksums, and decoders merely warn of it, if they notice. PNG, the
    format of label maps, is compared with its checksums. Other formats are decoded by Pillow.

    Args:
        content: The bytes of the file.

    Returns:
        A few words without the file's name.
    """
    if not content:
        return 'the file is empty'
    if content.startswith(JPEG_START):
        return None if _jpeg_ends(content) else 'the JPEG is truncated, its end marker is missing'
    try:
        with Image.open(BytesIO(content)) as image:
            if image.format in VERIFIED_FORMATS:
                image.verify()
            else:
                image.load()
    except UnidentifiedImageError:  # its message names an object in memory
        return 'it is no image'
    except DECODING_ERRORS as error:
        return str(error)
    return None


def _jpeg_ends(content: bytes) -> bool:
    """Whether an end marker follows the pixels of the JPEG itself.

    A thumbnail in front of them, and a film that a camera has appended, have markers of their own.
    """
    at = len(JPEG_START)
    while (marker := JPEG_MARKER.search(content, at)) and marker[1] != JPEG_SCAN:
        length = content[marker.end() : marker.end() + 2]
        at = marker.end() + int.from_bytes(length, 'big')
    return marker is not None and JPEG_END in content[marker.end() :]
