"""A picture, and strokes as gradio's editor gives them."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.fixture
def strokes():
    """Makes an editor's value from layers: for each a size, and boxes with a color to fill."""

    def make(*layers) -> dict:
        made = []
        for size, *boxes in layers:
            layer = np.zeros((*size, 4), np.uint8)
            for (top, left, bottom, right), color in boxes:
                layer[top:bottom, left:right] = color
            made.append(layer)
        return dict(background=None, layers=made, composite=None)

    return make
