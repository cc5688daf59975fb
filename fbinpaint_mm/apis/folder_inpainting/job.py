"""One picture to inpaint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Job:
    """One picture to inpaint, and where the result goes.

    Args:
        image: File of the picture.
        output: File of the result, relative to the folder of all results, with ``/``.
        mask: File of its mask; ``None`` where masks are made from something else.
    """

    image: Path
    output: str
    mask: Path | None = None

    @property
    def stem(self) -> str:
        """``output`` without its suffix: what maps, rounds and masks of the picture are named."""
        return str(PurePosixPath(self.output).with_suffix(''))

    def __str__(self) -> str:
        return f'{self.image} (mask {self.mask})' if self.mask else str(self.image)
