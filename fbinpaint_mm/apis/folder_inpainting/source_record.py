"""Which pictures the results in a folder were made from; names and dates do not tell."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

RECORD = '.fbinpaint_sources.jsonl'
NOT_THROUGH_LINKS = getattr(os, 'O_NOFOLLOW', 0)  # Windows has none


class SourceRecord:
    """A hidden file that says of each result which picture it was made from.

    It holds names and sizes only: what somebody has put into it leads nowhere.

    Args:
        out: Folder of the results, which need not exist yet.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / RECORD
        self.sources = dict(filter(None, map(_parsed, _lines(self.path))))

    def add(self, output: str, image: Path) -> None:
        """Notes a result before it is written; each is a line of its own, also of two processes.

        Args:
            output: Name of the result.
            image: File of the picture.

        Raises:
            OSError: It cannot be written, or is a link.
        """
        source = image.name, image.stat().st_size
        line = '\n' + json.dumps([output, *source])  # first, should the last line be cut off
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | NOT_THROUGH_LINKS
        with open(os.open(self.path, flags, 0o666), 'ab', buffering=0) as file:
            file.write(line.encode())
        self.sources[output] = source

    def other_source(self, output: str, image: Path) -> str | None:
        """Name of the picture that a result was made from if it is another one.

        Args:
            output: Name of the result, which exists.
            image: File of the picture that it should be of. One of the same name that is newer than
                the result has been edited.
        """
        name, size = self.sources.get(output, (image.name, None))
        if name != image.name:
            return name
        found, result = image.stat(), (self.path.parent / output).stat()
        is_edited = max(found.st_mtime_ns, found.st_ctime_ns) > result.st_mtime_ns
        return None if is_edited or size in (None, found.st_size) else name


def _lines(path: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return path.read_text(errors='replace').splitlines()
    return []


def _parsed(line: str) -> tuple[str, tuple[str, int]] | None:
    try:
        output, name, size = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    is_source = isinstance(output, str) and isinstance(name, str) and isinstance(size, int)
    return (output, (name, size)) if is_source else None
