"""What a file of a picture holds beside its pixels."""

from __future__ import annotations

import contextlib
import re
import struct
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin

from fbinpaint_mm.apis.picture import EXIF_ORIENTATION

THUMBNAIL = ExifTags.IFD.IFD1
XMP_CHUNK = 'XML:com.adobe.xmp'
# Text chunks whose content is kept as EXIF or XMP.
KEPT_OTHERWISE = (XMP_CHUNK, 'Raw profile type exif')
EXIF_HEADER = b'Exif\x00\x00'
XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:=["\']|>)\s*)[2-8]')
LARGEST_JPEG_SEGMENT = 65533 - 2 - 29  # bytes, without length and the longest of the headers


@dataclass(frozen=True)
class PictureMetadata:
    """What a file of a picture holds beside its pixels, for an upright copy of it.

    Args:
        exif: EXIF block without orientation, and without the thumbnail, which would show the
            picture as it was.
        icc_profile: Colour profile.
        xmp: XMP packet.
        dpi: Dots per inch, horizontal and vertical.
        comment: Comment of a JPEG.
        text: Text chunks of a PNG.
        color_chunks: Chunks of a PNG that say what its colours mean, ready to be written.
        jpeg_coding: Quantisation tables and subsampling of a JPEG, with which its known parts
            change least when it is written again.
        notes: What cannot be kept in any format.
    """

    exif: bytes | None = None
    icc_profile: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    text: dict[str, str] = field(default_factory=dict)
    color_chunks: dict[bytes, bytes] = field(default_factory=dict)
    jpeg_coding: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def for_png(self) -> tuple[dict[str, Any], list[str]]:
        """Arguments for Pillow's ``save``, and what the format cannot hold."""
        info = PngImagePlugin.PngInfo()
        for name, chunk in self.color_chunks.items():
            info.add(name, chunk)
        for key, value in self.text.items():
            info.add_itxt(key, value) if not value.isascii() else info.add_text(key, value)
        if self.comment:
            info.add_itxt('Comment', self.comment.decode('utf-8', 'replace'))
        if self.xmp:
            info.add_itxt(XMP_CHUNK, self.xmp.decode('utf-8', 'replace'))
        known = dict(exif=self.exif, icc_profile=self.icc_profile, dpi=self.dpi)
        return dict(pnginfo=info, **_given(known)), []

    def for_jpeg(self) -> tuple[dict[str, Any], list[str]]:
        """Arguments for Pillow's ``save``, and what the format cannot hold."""
        lost = ['PNG text is not kept in a JPEG'] if self.text else []
        known = dict(icc_profile=self.icc_profile, dpi=self.dpi, comment=self.comment)
        for name in ('exif', 'xmp'):
            if len(getattr(self, name) or b'') > LARGEST_JPEG_SEGMENT:
                lost.append(f'{name.upper()} of more than 64 KB is not kept in a JPEG')
            else:
                known[name] = getattr(self, name)
        return _given(known), lost

    def for_webp(self) -> tuple[dict[str, Any], list[str]]:
        """Arguments for Pillow's ``save``, and what the format cannot hold."""
        lost = {'PNG text': self.text, 'a comment': self.comment, 'the resolution': self.dpi}
        known = dict(exif=self.exif, icc_profile=self.icc_profile, xmp=self.xmp)
        return _given(known), [f'{what} is not kept in a WebP' for what, it in lost.items() if it]


def read_metadata(path: Path) -> PictureMetadata:
    """Read what a file holds beside the pixels.

    Args:
        path: A picture that Pillow can read.

    Returns:
        The metadata.

    Raises:
        ValueError: The file holds several pictures: an animation, or pages.
        OSError: It is no image.
    """
    with warnings.catch_warnings():
        # Large pictures are wanted; Pillow still refuses what would fill the memory.
        warnings.simplefilter('ignore', Image.DecompressionBombWarning)
        with Image.open(path) as image:
            return _metadata_of(image)


def _metadata_of(image: Image.Image) -> PictureMetadata:
    # MPO is what telephones write: a JPEG with a preview behind it.
    if getattr(image, 'n_frames', 1) > 1 and image.format != 'MPO':
        raise ValueError(f'holds {image.n_frames} pictures; expected a file with a single one')
    info, notes = image.info, []
    icc_profile = info.get('icc_profile')
    if image.mode == 'CMYK' and icc_profile:
        icc_profile = None
        notes.append('the colour profile of a CMYK picture does not fit the RGB result')
    return PictureMetadata(
        exif=_exif_of(image, notes),
        icc_profile=icc_profile,
        xmp=_xmp_of(info),
        dpi=tuple(map(float, info['dpi'])) if 'dpi' in info else None,
        comment=info.get('comment') if image.format in ('JPEG', 'MPO') else None,
        text=_text_of(image),
        color_chunks=_color_chunks_of(info),
        jpeg_coding=_jpeg_coding_of(image),
        notes=tuple(notes),
    )


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if value is not None}


def _exif_of(image: Image.Image, notes: list[str]) -> bytes | None:
    """The bytes of the file where they can stay, which keeps what Pillow does not understand."""
    exif = image.getexif()
    if not exif:
        return None
    if image.format == 'TIFF':
        notes.append('the tags of a TIFF are not kept')
        return None
    raw = image.info.get('exif')
    if raw and exif.get(EXIF_ORIENTATION, 1) == 1 and not exif.get_ifd(THUMBNAIL):
        # Which a WebP leaves out, and a JPEG must have.
        return EXIF_HEADER + raw.removeprefix(EXIF_HEADER)
    fresh = Image.Exif()  # in the other one, the thumbnail has left its mark
    fresh.load(raw or exif.tobytes())
    fresh.pop(EXIF_ORIENTATION, None)
    return fresh.tobytes() if fresh else None


def _xmp_of(info: dict[str, Any]) -> bytes | None:
    """The packet, of an upright picture."""
    xmp = info.get('xmp')
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    return xmp and XMP_ORIENTATION.sub(rb'\g<1>1', xmp)


def _text_of(image: Image.Image) -> dict[str, str]:
    if not isinstance(image, PngImagePlugin.PngImageFile):
        return {}
    return {key: str(text) for key, text in image.text.items() if key not in KEPT_OTHERWISE}


def _color_chunks_of(info: dict[str, Any]) -> dict[bytes, bytes]:
    """Chunks that Pillow reads, and does not write on its own."""
    chunks = {}
    if 'gamma' in info:
        chunks[b'gAMA'] = struct.pack('>I', round(info['gamma'] * 100_000))
    if 'chromaticity' in info:
        values = (round(value * 100_000) for value in info['chromaticity'])
        chunks[b'cHRM'] = struct.pack('>8I', *values)
    if 'srgb' in info:
        chunks[b'sRGB'] = bytes([info['srgb']])
    return chunks


def _jpeg_coding_of(image: Image.Image) -> dict[str, Any]:
    if image.format not in ('JPEG', 'MPO') or image.mode not in ('L', 'RGB'):
        return {}
    coding = dict(qtables=image.quantization)
    with contextlib.suppress(ValueError):
        coding['subsampling'] = JpegImagePlugin.get_sampling(image)
    return coding
