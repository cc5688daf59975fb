"""How much of the disk the files of visitors take."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

MAX_BYTES = 4 * 2**30


class VisitorFiles:
    """The files that visitors have uploaded and made; the oldest make room for new ones.

    Args:
        folder: Where they are; what is there already is not theirs, and stays.
        limit: Bytes that they may take.
    """

    def __init__(self, folder: Path, limit: int = MAX_BYTES) -> None:
        self.folder = folder
        self.limit = limit
        self.kept = frozenset(self._files())

    def make_room(self) -> None:
        """Removes the oldest files, so that the others take no more than the limit."""
        with contextlib.suppress(FileNotFoundError):  # gradio removes old ones too
            stats = {path: path.stat() for path in self._files() if path not in self.kept}
            taken = 0
            for path in sorted(stats, key=lambda path: stats[path].st_mtime, reverse=True):
                taken += stats[path].st_size
                if taken > self.limit:
                    path.unlink()

    def _files(self) -> Iterable[Path]:
        return (path for path in self.folder.rglob('*') if path.is_file())
