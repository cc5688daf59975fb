"""What one visitor has open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Visit:
    """What one visitor has open; the same object as long as their session lasts.

    A run waits for those of other visitors and takes a while itself. It finds here whether its
    picture is still the one on the page.

    Attributes:
        path: File of the picture on the server; ``None`` if there is none.
        opening: Number of pictures opened so far, which tells one opening from another.
        dictated: (H, W) uint8 class ids that edits of the map dictate, 255 elsewhere; or ``None``.
    """

    path: str | None = None
    opening: int = 0
    dictated: np.ndarray | None = None

    def open(self, path: str) -> None:
        """Forgets the picture before, and what was dictated for it.

        Args:
            path: File of the new picture on the server.
        """
        self.path, self.dictated = path, None
        self.opening += 1

    def has_moved_on(self, opening: int) -> bool:
        """Whether the picture of an opening has made way for another one."""
        return self.path is not None and opening != self.opening
