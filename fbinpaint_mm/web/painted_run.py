"""One press of a button: the picture, what was painted, and what the model made of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fbinpaint_mm.apis import FeedbackInpainter, InpaintingResult
from fbinpaint_mm.models.feedback import IGNORE_INDEX
from fbinpaint_mm.web.editor_strokes import EditorValue, painted_classes, painted_hole


@dataclass(frozen=True)
class PaintedRun:
    """A picture, what a user painted, and the result.

    Args:
        name: Of the picture, for the names of files.
        picture: The picture, see :class:`fbinpaint_mm.apis.picture.Picture`.
        hole: (H, W) bool, True in the hole.
        dictated_map: (H, W) uint8 class ids that the user dictates, 255 elsewhere; or ``None``.
        result: The result, with all rounds.
    """

    name: str
    picture: np.ndarray
    hole: np.ndarray
    dictated_map: np.ndarray | None
    result: InpaintingResult

    def files(self) -> dict[str, bytes]:
        """PNGs: ``'inpainted'``, ``'hole'`` and, where there is one, ``'map'``.

        The picture has all its bits; the hole is white, and a pixel of the map is its class id.
        """
        planes = dict(inpainted=self.result.image, hole=self.hole.astype(np.uint8) * 255)
        if self.result.semantic_map is not None:
            planes['map'] = self.result.semantic_map
        return {name: encode_png(plane) for name, plane in planes.items()}


def run_painted(
    inpainter: FeedbackInpainter,
    name: str,
    picture: np.ndarray,
    hole_value: EditorValue | None,
    rounds: int,
    dictated_map: np.ndarray | None = None,
) -> PaintedRun:
    """Inpaints what a user has painted.

    Args:
        inpainter: The model.
        name: Of the picture, for the names of files.
        picture: The picture, see :class:`fbinpaint_mm.apis.picture.Picture`.
        hole_value: What was painted on it.
        rounds: R >= 0.
        dictated_map: (H, W) uint8 class ids, 255 where the map is the model's own.

    Returns:
        The run.

    Raises:
        ValueError: If no hole is painted. The message is for the user.
    """
    hole = painted_hole(hole_value, picture.shape[:2])
    if not hole.any():
        raise ValueError('No hole yet: paint over what should go, in step 2.')
    result = inpainter.inpaint(picture, hole, rounds, True, semantic_map=dictated_map)
    return PaintedRun(name, picture, hole, dictated_map, result)


def add_dictated(
    before: np.ndarray | None,
    map_value: EditorValue | None,
    palette: np.ndarray,
    size: tuple[int, int],
) -> np.ndarray:
    """What a user dictates: what was painted now, on top of what was dictated before.

    Args:
        before: (H, W) uint8 class ids, 255 where nothing is dictated; or ``None``.
        map_value: What was painted on the map.
        palette: (K, 3) uint8 RGB, the colours of the brush.
        size: Height and width of the picture.

    Returns:
        (H, W) uint8 class ids, 255 where nothing is dictated.

    Raises:
        ValueError: If nothing is dictated at all. The message is for the user.
    """
    dictated = painted_classes(map_value, palette, size)
    if before is not None:
        dictated = np.where(dictated == IGNORE_INDEX, before, dictated)
    if (dictated == IGNORE_INDEX).all():
        raise ValueError('No edit yet: choose a class and paint it on the map.')
    return dictated


def encode_png(pixels: np.ndarray) -> bytes:
    """A PNG without loss.

    Args:
        pixels: (H, W) or (H, W, C) uint8 or uint16, C as in
            :class:`fbinpaint_mm.apis.picture.Picture`.

    Returns:
        The file. Grey with alpha becomes RGB with alpha, since OpenCV writes no such PNG.
    """
    planes = pixels.reshape(*pixels.shape[:2], -1)
    order = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[planes.shape[-1]]
    return cv2.imencode('.png', planes[..., order])[1].tobytes()
