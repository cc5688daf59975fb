"""The image and the label map that a scene is painted on."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.datasets.stable_random import StableRandom


class Canvas:
    """Image, label map and coordinates of a scene, painted back to front.

    Coordinates run over the whole scene: x from 0 (left) to 1 (right), y from 0 (top) to 1
    (bottom), at pixel centres.

    Only operations that every IEEE machine rounds alike (+ - * / floor, comparisons) touch the
    pixels, so that a scene is bit-identical everywhere.

    Args:
        image: (H,W,3) float64 RGB, 0..255.
        seg: (H,W) uint8 class ids.
        grain: (H,W) float64 noise in [0, 1), one independent number per pixel.
        y: (H,1) float64 coordinates.
        x: (1,W) float64 coordinates.
        light: (3,) colour of the light; multiplies every colour that does not glow.
    """

    def __init__(
        self,
        image: np.ndarray,
        seg: np.ndarray,
        grain: np.ndarray,
        y: np.ndarray,
        x: np.ndarray,
        light: np.ndarray,
    ) -> None:
        self.image = image
        self.seg = seg
        self.grain = grain
        self.y = y
        self.x = x
        self.light = light

    @classmethod
    def blank(cls, random: StableRandom, height: int, width: int, light: np.ndarray) -> Canvas:
        """A black canvas of class 0.

        Args:
            random: Stream of the grain.
            height: Height in pixels.
            width: Width in pixels.
            light: (3,) colour of the light.

        Returns:
            The canvas.
        """
        return cls(
            image=np.zeros((height, width, 3)),
            seg=np.zeros((height, width), np.uint8),
            grain=random.uniform_array(height, width),
            y=((np.arange(height) + 0.5) / height)[:, None],
            x=((np.arange(width) + 0.5) / width)[None, :],
            light=light,
        )

    def window(self, left: float, top: float, right: float, bottom: float) -> Canvas | None:
        """The part of the canvas inside a box; painting on it paints on this canvas.

        Args:
            left: Left border in x.
            top: Upper border in y.
            right: Right border in x.
            bottom: Lower border in y.

        Returns:
            A canvas that shares memory with this one; None where the box holds no pixel centre.
        """
        rows = slice(*np.searchsorted(self.y[:, 0], (top, bottom)))
        columns = slice(*np.searchsorted(self.x[0], (left, right)))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        return Canvas(
            self.image[rows, columns],
            self.seg[rows, columns],
            self.grain[rows, columns],
            self.y[rows],
            self.x[:, columns],
            self.light,
        )

    def paint(
        self, mask: np.ndarray, colour: np.ndarray, class_id: int, glows: bool = False
    ) -> None:
        """Cover pixels with a colour and a class.

        Args:
            mask: Bool, broadcastable to (H,W) by numpy: the pixels to cover.
            colour: RGB 0..255, broadcastable to (H,W,3).
            class_id: Class of these pixels.
            glows: True for what emits light and keeps its colour at night.
        """
        shown = colour if glows else colour * self.light
        np.copyto(self.image, shown, where=mask[..., None])
        np.copyto(self.seg, class_id, where=mask)

    def blend(self, colour: np.ndarray, weight: np.ndarray) -> None:
        """Mix a colour into the image without changing the classes.

        Args:
            colour: RGB 0..255, broadcastable to (H,W,3).
            weight: Share of the colour in [0, 1], broadcastable to (H,W).
        """
        self.image += weight[..., None] * (colour - self.image)
