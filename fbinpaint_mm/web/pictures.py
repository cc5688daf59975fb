"""Between browser and model: uploads and strokes come in, pictures and files go out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import cv2
import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree

from fbinpaint_mm.apis import InpaintingResult
from fbinpaint_mm.models.feedback import IGNORE_INDEX
from fbinpaint_mm.picture import read_picture, to_8_bits, to_pil
from fbinpaint_mm.picture_file import open_picture
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization.drawing import (
    cell_scale,
    colorize,
    heat,
    outline,
    rescale,
    stripe_hole,
)

# The rounds of a picture take about 10 bytes for each pixel and round: 1.6 GB for this size and
# three rounds. Larger pictures are for tools/inpaint.py, which keeps the last round only.
MAX_MEGAPIXELS = 40
# Sides in pixels: smaller pictures are enlarged for painting, larger ones reduced.
SMALLEST, LARGEST = 384, 1024
# Strokes are painted at that size, on one layer; this leaves room for screens of twice the density.
MAX_LAYERS, MAX_LAYER_PIXELS = 2, 4 * LARGEST**2
STRIPE = 4  # pixels of the screen

# Half covered pixels of a brush's edge are painted.
PAINTED_ALPHA = 128
# What a color may lose on the way through the browser's canvas, in each channel.
COLOR_TOLERANCE = 2
# Two brushes differ by at least this much in one of R, G and B.
SMALLEST_DIFFERENCE = 8
# Where to go from a color that is taken: no common factor with 256, so all values are reached.
STEP = np.array([37, 101, 179])


class EditorValue(TypedDict):
    """Value of an ``ImageEditor`` with ``type='numpy'`` and ``image_mode='RGBA'``.

    ``layers`` are what was painted, the top one last: (h, w, 4) uint8 RGBA, all at the size at
    which the picture was shown.
    """

    background: np.ndarray | None
    layers: list[np.ndarray]
    composite: np.ndarray | None


def read_uploaded(path: str) -> np.ndarray:
    """Reads a picture that a visitor has uploaded.

    Args:
        path: File on the server.

    Returns:
        (H, W) or (H, W, C) upright pixels, see :class:`fbinpaint_mm.picture.Picture`.

    Raises:
        UserError: If it is no image, damaged, too large or no longer there. The message is for the
            visitor, who knows the name of the file, but not where the server keeps it.
    """
    try:
        with open_picture(path, f'picture {Path(path).name!r}') as image:
            width, height = image.size  # of the header: nothing is decoded yet
        if width * height > MAX_MEGAPIXELS * 1e6:
            raise UserError(
                f'The picture has {width * height / 1e6:.0f} megapixels ({width}x{height}); this '
                f'page takes up to {MAX_MEGAPIXELS}. tools/inpaint.py has no such limit.'
            )
        return read_picture(path, 'picture').pixels
    except OSError as error:
        raise UserError('The picture is no longer on the server: open it again.') from error
    except UserError as error:
        raise UserError(str(error).replace(path, Path(path).name)) from error


def read_layers(paths: Sequence[str]) -> list[np.ndarray]:
    """Reads what was painted in an editor.

    Args:
        paths: Files on the server, one for each layer, the top one last.

    Returns:
        (h, w, 4) uint8 RGBA for each.

    Raises:
        UserError: If these are more or larger pictures than the page sends, or one is damaged.
    """
    if len(paths) > MAX_LAYERS:
        raise UserError(f'The strokes come on {len(paths)} layers; expected up to {MAX_LAYERS}.')
    return [_read_layer(path) for path in paths]


def _read_layer(path: str) -> np.ndarray:
    try:
        with open_picture(path, 'picture of the strokes') as image:
            if image.width * image.height > MAX_LAYER_PIXELS:
                raise UserError(
                    f'The strokes have {image.width}x{image.height} pixels; expected up to '
                    f'{MAX_LAYER_PIXELS} in all.'
                )
            return np.asarray(image.convert('RGBA'))
    except OSError as error:
        raise UserError('The strokes are no longer on the server: paint again.') from error


def distinct_palette(palette: Sequence[Sequence[int]]) -> np.ndarray:
    """The palette, with a new color for each class whose color an earlier class has.

    Args:
        palette: (K, 3) RGB in 0..255, K up to 255.

    Returns:
        (K, 3) uint8 RGB; any two rows differ by at least ``SMALLEST_DIFFERENCE`` in one channel.
    """
    distinct = np.zeros((0, 3), int)
    for color in palette:
        candidate = np.asarray(color)
        while (np.abs(distinct - candidate).max(1) < SMALLEST_DIFFERENCE).any():
            candidate = (candidate + STEP) % 256
        distinct = np.vstack([distinct, candidate])
    return distinct.astype(np.uint8)


def painted_hole(value: EditorValue | None, size: tuple[int, int]) -> np.ndarray:
    """The hole that was painted, in whatever color.

    Args:
        value: What the editor gave; ``None`` if nothing was painted.
        size: Height and width of the picture, which may have been shown at another size.

    Returns:
        (H, W) bool, True in the hole.
    """
    hole = np.zeros(size, bool)
    for layer in _layers(value):
        hole |= _resize(layer[..., 3], size) >= PAINTED_ALPHA
    return hole


def painted_classes(
    value: EditorValue | None, palette: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """The classes that were painted in the colors of a palette; what is on top counts.

    The edge of a brush may be blended with what lies below, into a color that is another class's
    or none's. Such pixels take the class of the nearest pixel that has the color of a class.

    Args:
        value: What the editor gave; ``None`` if nothing was painted.
        palette: (K, 3) uint8 RGB, distinct colors.
        size: Height and width of the picture, which may have been shown at another size.

    Returns:
        (H, W) uint8 class ids, 255 where nothing is painted.
    """
    classes = np.full(size, IGNORE_INDEX, np.uint8)
    for layer in _layers(value):
        found = _resize(_classes_of_layer(layer, palette), size)
        classes = np.where(found == IGNORE_INDEX, classes, found)
    return classes


def add_edit(
    before: np.ndarray | None,
    value: EditorValue | None,
    palette: np.ndarray,
    size: tuple[int, int],
) -> np.ndarray:
    """What a visitor dictates: what was painted now, on top of what was dictated before.

    Args:
        before: (H, W) uint8 class ids, 255 where nothing is dictated; or ``None``.
        value: What was painted on the map.
        palette: (K, 3) uint8 RGB, the colors of the brush.
        size: Height and width of the picture.

    Returns:
        (H, W) uint8 class ids, 255 where nothing is dictated.

    Raises:
        UserError: If nothing is dictated at all. The message is for the visitor.
    """
    dictated = painted_classes(value, palette, size)
    if before is not None:
        dictated = np.where(dictated == IGNORE_INDEX, before, dictated)
    if (dictated == IGNORE_INDEX).all():
        raise UserError('No edit yet: choose a class and paint it on the map.')
    return dictated


def _layers(value: EditorValue | None) -> list[np.ndarray]:
    return [] if value is None else [layer for layer in value['layers'] if layer is not None]


def _resize(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(plane, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def _classes_of_layer(layer: np.ndarray, palette: np.ndarray) -> np.ndarray:
    painted = layer[..., 3] >= PAINTED_ALPHA
    classes = np.full(painted.shape, IGNORE_INDEX, np.uint8)
    if not painted.any():
        return classes
    distances, classes[painted] = KDTree(palette).query(layer[painted][:, :3], p=np.inf)
    sure = np.zeros_like(painted)
    sure[painted] = distances <= COLOR_TOLERANCE
    if sure.any():
        nearest = distance_transform_edt(~sure, return_distances=False, return_indices=True)
        classes[painted] = classes[tuple(nearest)][painted]
    return classes


def draw_rounds(
    hole: np.ndarray, result: InpaintingResult, palette: np.ndarray
) -> list[tuple[np.ndarray, str]]:
    """A row of pictures for each round.

    Args:
        hole: (H, W) bool.
        result: With all rounds.
        palette: (K, 3) uint8 RGB; K = 0 for a model without semantics.

    Returns:
        For each round its picture, the map that guided it and its confidence, as (h, w, 3) uint8
        RGB at the size of the screen with a caption. Round 0 has no map: the picture with stripes
        in its hole stands there. Without semantics there is no column of maps.
    """
    drawn = []
    for number, one in enumerate(result.rounds or []):
        picture = for_screen(one.image)
        drawn.append((picture, f'Round {number}'))
        if one.semantic_map is not None:
            drawn.append((draw_map(one.semantic_map, hole, palette), f'Map {number}'))
        elif len(palette):
            drawn.append((stripe_hole(picture, _hole_on_screen(hole), STRIPE), 'Hole'))
        drawn.append((heat(fit_screen(one.confidence)), f'Confidence {number}'))
    return drawn


def draw_map(semantic_map: np.ndarray, hole: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """A map in colors, (h, w, 3) uint8 RGB at the size of the screen, with the hole's outline."""
    colors = colorize(fit_screen(semantic_map, smooth=False), palette)
    return outline(colors, _hole_on_screen(hole))


def _hole_on_screen(hole: np.ndarray) -> np.ndarray:
    return fit_screen(hole.astype(np.uint8), smooth=False) > 0


def for_screen(pixels: np.ndarray) -> np.ndarray:
    """A picture to look at and to paint on.

    Args:
        pixels: (H, W) or (H, W, C) uint8 or uint16, C as :class:`fbinpaint_mm.picture.Picture`
            has it.

    Returns:
        (h, w, 3) uint8 RGB at the size of the screen, on white where the picture is transparent.
    """
    picture = to_pil(to_8_bits(pixels))
    if picture.mode in ('LA', 'RGBA'):
        white = Image.new('RGBA', picture.size, 'white')
        picture = Image.alpha_composite(white, picture.convert('RGBA'))
    return fit_screen(np.asarray(picture.convert('RGB')))


def fit_screen(plane: np.ndarray, smooth: bool = True) -> np.ndarray:
    """Enlarges by a whole number without blur, or reduces to one over a whole number.

    Args:
        plane: (H, W) or (H, W, 3) uint8 or float32.
        smooth: Whether pixels are averaged where the plane is reduced; not those of a map.

    Returns:
        (h, w) or (h, w, 3) of that data type and the same aspect, as far as whole pixels allow.
    """
    height, width = plane.shape[:2]
    return rescale(plane, cell_scale(height, width, SMALLEST, LARGEST), smooth)


def encode_png(pixels: np.ndarray) -> bytes:
    """A PNG without loss.

    Args:
        pixels: (H, W) or (H, W, C) uint8 or uint16, C as in
            :class:`fbinpaint_mm.picture.Picture`.

    Returns:
        The file. Gray with alpha becomes RGB with alpha, since OpenCV writes no such PNG.
    """
    planes = pixels.reshape(*pixels.shape[:2], -1)
    order = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[planes.shape[-1]]
    return cv2.imencode('.png', planes[..., order])[1].tobytes()
