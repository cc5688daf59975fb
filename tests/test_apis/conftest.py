"""Pictures and holes, and what the small model sees of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fbinpaint_mm.apis import FeedbackInpainter


@pytest.fixture
def seen_shapes(inpainter: FeedbackInpainter) -> Iterator[list[tuple[int, ...]]]:
    """Shapes of all batches that the small model has seen in a test."""
    shapes = []
    hook = inpainter.model.generator.register_forward_pre_hook(
        lambda module, args: shapes.append(tuple(args[0].shape))
    )
    yield shapes
    hook.remove()


@pytest.fixture
def make_hole() -> Callable[[tuple[int, int]], np.ndarray]:
    """Makes a hole in the middle that covers about a quarter of a picture."""

    def make(size: tuple[int, int]) -> np.ndarray:
        hole = np.zeros(size, bool)
        hole[size[0] // 4 : size[0] * 3 // 4, size[1] // 4 : size[1] * 3 // 4 + 1] = True
        return hole

    return make
