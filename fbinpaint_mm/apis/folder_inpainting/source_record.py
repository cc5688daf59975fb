"""What the results in a folder were made from, and how; names and dates do not tell."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import NamedTuple

RECORD = '.fbinpaint_sources.jsonl'
NOT_THROUGH_LINKS = getattr(os, 'O_NOFOLLOW', 0)  # Windows has none


class Source(NamedTuple):
    """What a result was made from: name and size in bytes of a picture, and settings.

    ``settings`` is ``None`` where an earlier version made it, which did not say.
    """

    name: str
    size: int
    settings: str | None = None


class SourceRecord:
    """A hidden file that says of each result which picture it was made from, and how.

    It holds names, sizes and hashes: what somebody has put into it leads nowhere.

    Args:
        out: Folder of the results, which need not exist yet.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / RECORD
        self.sources = dict(filter(None, map(_parsed, _lines(self.path))))

    def add(self, output: str, image: Path, settings: str) -> None:
        """Notes a result before it is written; each is a line of its own, also of two processes.

        Args:
            output: Name of the result.
            image: File of the picture.
            settings: Stands for all that the result depends on besides.

        Raises:
            OSError: It cannot be written, or is a link.
        """
        source = Source(image.name, image.stat().st_size, settings)
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
        source = self.sources.get(output)
        if source is None or source.name != image.name:
            return source and source.name
        found, result = image.stat(), (self.path.parent / output).stat()
        is_edited = max(found.st_mtime_ns, found.st_ctime_ns) > result.st_mtime_ns
        return None if is_edited or source.size == found.st_size else source.name

    def has_settings(self, output: str, settings: str) -> bool:
        """Whether a result was made with these settings, as far as is known.

        Args:
            output: Name of the result.
            settings: As of `add`.
        """
        source = self.sources.get(output)
        return source is None or source.settings in (None, settings)


def _lines(path: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return path.read_text(errors='replace').splitlines()
    return []


def _parsed(line: str) -> tuple[str, Source] | None:
    try:
        output, name, size, *settings = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = [output, name, *settings]
    is_source = all(isinstance(text, str) for text in texts) and isinstance(size, int)
    return (output, Source(name, size, *settings)) if is_source and len(texts) <= 3 else None
