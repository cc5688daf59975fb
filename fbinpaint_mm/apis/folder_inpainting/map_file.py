"""Semantic maps as indexed PNGs."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
from PIL import Image, PngImagePlugin

COLORS_OF_A_PNG = 256


def encode_map(
    semantic_map: np.ndarray, classes: Sequence[str] | None, palette: Sequence[Sequence[int]]
) -> bytes:
    """A map whose pixel values are class ids, and which shows in the colours of the classes.

    Args:
        semantic_map: (H, W) uint8 class ids, 255 where there is no map (black).
        classes: Names, for the text chunk ``classes``, a JSON list; ``None``: no chunk.
        palette: RGB of each class, 0..255.

    Returns:
        Content of a PNG.
    """
    colors = np.zeros((COLORS_OF_A_PNG, 3), np.uint8)
    colors[: len(palette)] = palette
    height, width = semantic_map.shape
    image = Image.frombytes('P', (width, height), semantic_map.tobytes())
    image.putpalette(colors.tobytes())
    info = PngImagePlugin.PngInfo()
    if classes:
        info.add_text('classes', json.dumps(list(classes)))
    buffer = io.BytesIO()
    image.save(buffer, 'PNG', pnginfo=info)
    return buffer.getvalue()
