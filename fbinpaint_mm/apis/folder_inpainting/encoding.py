"""Pictures as the bytes of PNG, JPEG and WebP files."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from PIL import Image

from fbinpaint_mm.apis.folder_inpainting.picture_metadata import PictureMetadata
from fbinpaint_mm.apis.picture import to_8_bits, to_pil

SUFFIX_OF_FORMAT = dict(png='.png', jpg='.jpg', webp='.webp')
FORMAT_OF_SUFFIX = {'.png': 'png', '.jpg': 'jpg', '.jpeg': 'jpg', '.webp': 'webp'}
DEFAULT_JPEG_QUALITY = 95
PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
PNG_HEADER_END = len(PNG_SIGNATURE) + 25  # the first chunk, IHDR, has 13 bytes of content
CHUNKS_OF_PIXELS = (b'IHDR', b'PLTE', b'IDAT', b'IEND')


def format_of_suffix(suffix: str) -> str | None:
    """``'png'``, ``'jpg'`` or ``'webp'``; ``None`` for a suffix of another format."""
    return FORMAT_OF_SUFFIX.get(suffix.lower())


def encode(
    pixels: np.ndarray, form: str, metadata: PictureMetadata, quality: int | None = None
) -> tuple[bytes, list[str]]:
    """Make the content of a file.

    Args:
        pixels: (H, W), (H, W, 2) grey and alpha, (H, W, 3) RGB or (H, W, 4) RGB and alpha; uint8 or
            uint16.
        form: ``'png'``, ``'jpg'`` or ``'webp'``.
        metadata: Of the picture that the pixels are from.
        quality: 1 to 100. ``None``: a JPEG is coded as the JPEG that the picture is from was, else
            with 95; a WebP is lossless. PNG is lossless always.

    Returns:
        The bytes, and what the format could not hold.
    """
    encoder = dict(png=_encode_png, jpg=_encode_jpeg, webp=_encode_webp)[form]
    content, notes = encoder(pixels, metadata, quality)
    return content, [*metadata.notes, *notes]


def is_lossless(form: str, quality: int | None) -> bool:
    """Whether ``encode`` keeps every pixel."""
    return form == 'png' or (form == 'webp' and quality is None)


def _encode_png(
    pixels: np.ndarray, metadata: PictureMetadata, quality: int | None
) -> tuple[bytes, list[str]]:
    arguments, notes = metadata.for_png()
    if pixels.dtype == np.uint8 or pixels.ndim == 2:
        return _saved(to_pil(pixels), 'PNG', arguments), notes
    if pixels.shape[-1] == 2:
        notes.append('16-bit grey with alpha is written as RGB with alpha')
        pixels = pixels[..., [0, 0, 0, 1]]
    code = cv2.COLOR_RGB2BGR if pixels.shape[-1] == 3 else cv2.COLOR_RGBA2BGRA
    _, plain = cv2.imencode('.png', cv2.cvtColor(pixels, code))
    donor = _saved(Image.new('RGB', (1, 1)), 'PNG', arguments)
    return with_chunks_of(plain.tobytes(), donor), notes


def _encode_jpeg(
    pixels: np.ndarray, metadata: PictureMetadata, quality: int | None
) -> tuple[bytes, list[str]]:
    arguments, notes = metadata.for_jpeg()
    pixels, reduced = _with_8_bits(pixels, 'JPEG')
    if pixels.ndim == 3 and pixels.shape[-1] in (2, 4):
        notes.append('transparency is not kept in a JPEG')
        pixels = pixels[..., 0] if pixels.shape[-1] == 2 else pixels[..., :3]
    if quality is None and metadata.jpeg_coding:
        coding = metadata.jpeg_coding
    else:
        coding = dict(quality=quality or DEFAULT_JPEG_QUALITY)
    return _saved(to_pil(pixels), 'JPEG', {**arguments, **coding}), [*reduced, *notes]


def _encode_webp(
    pixels: np.ndarray, metadata: PictureMetadata, quality: int | None
) -> tuple[bytes, list[str]]:
    arguments, notes = metadata.for_webp()
    pixels, reduced = _with_8_bits(pixels, 'WebP')
    if pixels.ndim == 2 or pixels.shape[-1] == 2:
        arguments.pop('icc_profile', None)  # that of a grey picture; WebP has colours only
    # Without `exact`, the colours of transparent pixels would change.
    coding = dict(lossless=True, exact=True) if quality is None else dict(quality=quality)
    return _saved(to_pil(pixels), 'WEBP', {**arguments, **coding}), [*reduced, *notes]


def _with_8_bits(pixels: np.ndarray, name: str) -> tuple[np.ndarray, list[str]]:
    if pixels.dtype == np.uint8:
        return pixels, []
    return to_8_bits(pixels), [f'16 bits become 8 in a {name}']


def _saved(image: Image.Image, form: str, arguments: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **arguments)
    return buffer.getvalue()


def with_chunks_of(png: bytes, donor: bytes) -> bytes:
    """A PNG with another one's chunks that are not about pixels."""
    chunks = [chunk for name, chunk in png_chunks(donor) if name not in CHUNKS_OF_PIXELS]
    return png[:PNG_HEADER_END] + b''.join(chunks) + png[PNG_HEADER_END:]


def png_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and bytes, with length and check sum, of every chunk of a PNG."""
    start = len(PNG_SIGNATURE)
    while start < len(png):
        length, name = struct.unpack_from('>I4s', png, start)
        end = start + 12 + length
        yield name, png[start:end]
        start = end
