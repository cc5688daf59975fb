"""What inpainting made of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from fbinpaint_mm.picture import to_pil


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


@dataclass
class InpaintingResult(RoundResult):
    """What inpainting made of a picture: the last round, and how it came about.

    Args:
        image, semantic_map, confidence: Of the last round, see :class:`RoundResult`.
        rounds: Every round, round 0 first; ``None`` unless asked for.
        rounds_run: Number of the last round: how often the map was made and the hole inpainted
            again; 0 where the hole is empty.
        notes: What the user should know, such as that the mask was empty.
    """

    rounds: list[RoundResult] | None = None
    rounds_run: int = 0
    notes: list[str] = field(default_factory=list)

    def to_pil(self) -> Image.Image:
        """The image for Pillow: mode L, LA, RGB, RGBA or, of 16-bit gray, I;16.

        Raises:
            UserError: If it has 16 bits and color or alpha, for which Pillow has no mode.
        """
        return to_pil(self.image)
