"""Pictures and semantic maps as the bytes of PNG, JPEG and WebP files."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from fbinpaint_mm.picture import has_alpha, to_8_bits, to_pil
from fbinpaint_mm.picture_file import exif_of, open_picture

PILLOW_FORMATS = dict(png='PNG', jpg='JPEG', webp='WebP')
JPEG_QUALITY = 95
PNG_HEADER_END = 33  # bytes: the signature, and the first chunk
LEFT_OUT = 'EXIF data and resolution are left out: they are damaged, or too long'

Palette = Sequence[Sequence[int]]


def read_metadata(path: Path) -> dict[str, Any]:
    """Reads what an upright copy of a picture keeps of the file beside the pixels.

    Args:
        path: A picture that Pillow can read.

    Returns:
        Arguments for Pillow's ``save``: EXIF without the orientation, and without the thumbnail,
        which would show the picture as it was; color profile; resolution.
    """
    with open_picture(path, f'image {str(path)!r}') as image:
        metadata: dict[str, Any] = {
            key: image.info[key] for key in ('icc_profile', 'dpi') if key in image.info
        }
        exif = exif_of(image)
        exif.pop(ExifTags.Base.Orientation, None)
        if exif and image.format != 'TIFF':  # whose tags describe the file, not the picture
            metadata['exif'] = exif
    return metadata


def encode(
    pixels: np.ndarray,
    form: str,
    quality: int | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> tuple[bytes, list[str]]:
    """Makes the content of a file.

    Args:
        pixels: (H, W), (H, W, 2) gray and alpha, (H, W, 3) RGB or (H, W, 4) RGB and alpha; uint8 or
            uint16.
        form: ``'png'``, ``'jpg'`` or ``'webp'``.
        quality: 1 to 100. ``None``: JPEG with 95, WebP lossless. PNG is lossless always.
        metadata: From ``read_metadata``.

    Returns:
        The bytes, and what the file does not hold, such as damaged metadata.
    """
    notes = []
    if form != 'png' and pixels.dtype == np.uint16:
        pixels = to_8_bits(pixels)
        notes.append(f'16 bits become 8 in a {PILLOW_FORMATS[form]}')
    if form == 'jpg' and has_alpha(pixels):
        pixels = opaque(pixels)
        notes.append('transparency is not kept in a JPEG')
    kept = _fitting(metadata or {}, is_gray=form != 'webp' and pixels[0, 0].size <= 2)
    if pixels.dtype == np.uint16 and pixels.ndim == 3 and pixels.shape[-1] == 2:
        notes.append('16-bit gray with alpha is written as RGB with alpha')
    try:
        return _content(pixels, form, quality, kept), notes
    except Exception:  # of Pillow, which lets through on reading what it cannot write
        profile = {key: value for key, value in kept.items() if key == 'icc_profile'}
        return _content(pixels, form, quality, profile), [*notes, LEFT_OUT]


def is_lossless(form: str, quality: int | None) -> bool:
    """Whether ``encode`` keeps every pixel."""
    return form == 'png' or (form == 'webp' and quality is None)


def encode_map(semantic_map: np.ndarray, classes: Sequence[str] | None, palette: Palette) -> bytes:
    """A map whose pixel values are class ids, and which shows in the colors of the classes.

    Args:
        semantic_map: (H, W) uint8 class ids, 255 where there is no map (black).
        classes: Names, for the text chunk ``classes``, a JSON list; ``None``: no chunk.
        palette: RGB of each class, 0..255.

    Returns:
        Content of a PNG.
    """
    info = PngImagePlugin.PngInfo()
    if classes:
        info.add_text('classes', json.dumps(list(classes)))
    return _saved(indexed(semantic_map, palette), 'png', pnginfo=info)


def indexed(semantic_map: np.ndarray, palette: Palette) -> Image.Image:
    """An (H, W) uint8 map as an image with a palette, black where there is no map."""
    colors = np.zeros((256, 3), np.uint8)
    colors[: len(palette)] = palette
    image = Image.fromarray(semantic_map)
    image.putpalette(colors.tobytes())
    return image


def opaque(pixels: np.ndarray) -> np.ndarray:
    """Pixels of a picture without its alpha, if it has one: (H, W) or (H, W, C), C 1 or 3."""
    if not has_alpha(pixels):
        return pixels
    return np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 2 else pixels[..., :3])


def _coding(form: str, quality: int | None) -> dict[str, Any]:
    """Arguments for Pillow's ``save``."""
    if form == 'webp' and quality is None:
        return dict(lossless=True, exact=True)  # or the colors of transparent pixels would change
    return {} if form == 'png' else dict(quality=quality or JPEG_QUALITY)


def _fitting(metadata: Mapping[str, Any], is_gray: bool) -> dict[str, Any]:
    """Without a color profile of other colors than those that are written, such as of CMYK."""
    space = b'GRAY' if is_gray else b'RGB '
    profile = metadata.get('icc_profile', b'')
    return {k: v for k, v in metadata.items() if k != 'icc_profile' or profile[16:20] == space}


def _content(
    pixels: np.ndarray, form: str, quality: int | None, metadata: Mapping[str, Any]
) -> bytes:
    if pixels.dtype == np.uint16 and pixels.ndim == 3:
        return _deep_png(pixels, metadata)
    return _saved(to_pil(pixels), form, **_coding(form, quality), **metadata)


def _deep_png(pixels: np.ndarray, metadata: Mapping[str, Any]) -> bytes:
    """A PNG of 16-bit color, which Pillow cannot write; OpenCV can, without metadata."""
    order = [0, 0, 0, 1] if pixels.shape[-1] == 2 else [2, 1, 0, 3][: pixels.shape[-1]]
    content = cv2.imencode('.png', pixels[..., order])[1].tobytes()
    file = io.BytesIO()
    file.write(content[:PNG_HEADER_END])
    if 'icc_profile' in metadata:
        profile = zlib.compress(metadata['icc_profile'])
        PngImagePlugin.putchunk(file, b'iCCP', b'ICC Profile\0\0', profile)
    if 'exif' in metadata:
        PngImagePlugin.putchunk(file, b'eXIf', metadata['exif'].tobytes().removeprefix(b'Exif\0\0'))
    file.write(content[PNG_HEADER_END:])
    return file.getvalue()


def _saved(image: Image.Image, form: str, **arguments: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, PILLOW_FORMATS[form], **arguments)
    return file.getvalue()
