"""What a user has painted with gradio's ``ImageEditor``, as a hole or as classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

import cv2
import numpy as np

from fbinpaint_mm.models.feedback import IGNORE_INDEX

# Half covered pixels of a brush's edge are painted.
PAINTED_ALPHA = 128
# What a colour may lose on the way through the browser's canvas, in each channel.
COLOR_TOLERANCE = 2


class EditorValue(TypedDict):
    """Value of an ``ImageEditor`` with ``type='numpy'`` and ``image_mode='RGBA'``.

    ``layers`` are what was painted, the top one last: (h, w, 4) uint8 RGBA, all at the size at
    which the picture was shown.
    """

    background: np.ndarray | None
    layers: list[np.ndarray]
    composite: np.ndarray | None


def painted_hole(value: EditorValue | None, size: tuple[int, int]) -> np.ndarray:
    """The hole that was painted, in whatever colour.

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
    """The classes that were painted in the colours of a palette; what is on top counts.

    The edge of a brush may be blended with what lies below, into a colour that is another class's
    or none's. Such pixels take the class of the nearest pixel that has the colour of a class.

    Args:
        value: What the editor gave; ``None`` if nothing was painted.
        palette: (K, 3) uint8 RGB, distinct colours.
        size: Height and width of the picture, which may have been shown at another size.

    Returns:
        (H, W) uint8 class ids, 255 where nothing is painted.
    """
    classes = np.full(size, IGNORE_INDEX, np.uint8)
    for layer in _layers(value):
        found = _resize(_classes_of_layer(layer, palette), size)
        classes = np.where(found == IGNORE_INDEX, classes, found)
    return classes


def _layers(value: EditorValue | None) -> Iterator[np.ndarray]:
    layers = [] if value is None else value['layers']
    return (layer for layer in layers if layer is not None)


def _resize(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(plane, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def _classes_of_layer(layer: np.ndarray, palette: np.ndarray) -> np.ndarray:
    painted = layer[..., 3] >= PAINTED_ALPHA
    classes = np.full(layer.shape[:2], IGNORE_INDEX, np.uint8)
    if not painted.any():
        return classes
    colors = layer[painted][:, :3].astype(np.int16)
    distances = np.stack([np.abs(colors - color).max(1) for color in palette.astype(np.int16)], 1)
    classes[painted] = distances.argmin(1)
    sure = np.zeros_like(painted)
    sure[painted] = distances.min(1) <= COLOR_TOLERANCE
    if sure.any():
        classes[painted] = _nearest(classes, sure)[painted]
    return classes


def _nearest(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Each pixel's value, or that of the nearest pixel of ``where``."""
    _, labels = cv2.distanceTransformWithLabels(
        (~where).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    value_of_label = np.zeros(labels.max() + 1, values.dtype)
    value_of_label[labels[where]] = values[where]
    return value_of_label[labels]
