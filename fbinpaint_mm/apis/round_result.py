"""What one round made of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class RoundResult:
    """What one round made of a picture.

    Args:
        image: The picture after the round, in the data type, size and channels of the input.
        semantic_map: (H, W) uint8 class ids of the map that guided the round, 255 where no map was
            made (far from the hole of a large picture); ``None`` in round 0 and without semantics.
        confidence: (H, W) float32 in [0, 1], how far the model trusts each pixel of ``image``; 1
            outside the hole.
    """

    image: np.ndarray
    semantic_map: np.ndarray | None
    confidence: np.ndarray
