"""A small model whose every part has an effect, and strokes as gradio's editor gives them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fbinpaint_mm.apis import FeedbackInpainter


@pytest.fixture(scope='session')
def inpainter(small_config) -> FeedbackInpainter:
    """Random weights: some parts start at zero, where maps change nothing; none saturates."""
    made = FeedbackInpainter(small_config, device='cpu')
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in made.model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.12)
    return made


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
