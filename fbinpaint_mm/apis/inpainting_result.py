"""What inpainting made of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL import Image

from fbinpaint_mm.apis.picture import to_pil
from fbinpaint_mm.apis.round_result import RoundResult


@dataclass
class InpaintingResult(RoundResult):
    """What inpainting made of a picture: the last round, and how it came about.

    Args:
        image, semantic_map, confidence: Of the last round, see :class:`RoundResult`.
        rounds: Every round, round 0 first; ``None`` unless asked for.
        rounds_run: Number of the last round: how often the map was made and the hole inpainted
            again. Where several crops of a picture stopped early, the largest number.
        notes: What the user should know, such as that the mask was empty.
    """

    rounds: list[RoundResult] | None = None
    rounds_run: int = 0
    notes: list[str] = field(default_factory=list)

    def to_pil(self) -> Image.Image:
        """The image for Pillow: mode L, LA, RGB, RGBA or, of 16-bit grey, I;16.

        Raises:
            ValueError: If it has 16 bits and colour or alpha, for which Pillow has no mode.
        """
        return to_pil(self.image)
