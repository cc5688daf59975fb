"""What is made of every picture of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What is made of every picture of a run.

    Args:
        rounds: R, or ``None`` for that of the config.
        tolerance: Stop before a round that would change less than this share of the hole's map, in
            [0, 1]; ``None``: run all rounds.
        max_side: Longest side in pixels of what the model sees at once; ``None``: as
            :attr:`FeedbackInpainter.default_max_side` says.
        dilation: Pixels by which holes are enlarged, in all directions.
        form: ``'keep'``, ``'png'``, ``'jpg'`` or ``'webp'``.
        quality: Of JPEG and WebP, 1 to 100; ``None``: as ``encode`` says.
        save_maps: Write ``maps/<name>.png``, an indexed PNG.
        save_rounds: Write ``rounds/<name>_round<r>.*``, and with ``save_maps`` its map.
        side_by_side: Write ``side_by_side/<name>.png``.
    """

    rounds: int | None = None
    tolerance: float | None = None
    max_side: int | None = None
    dilation: int = 0
    form: str = 'keep'
    quality: int | None = None
    save_maps: bool = False
    save_rounds: bool = False
    side_by_side: bool = False
