"""Finished parts of a benchmark, so that an interrupted one goes on where it was."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from fbinpaint_mm.write_file import write_file


class ResultStore:
    """``FOLDER/<entry>.json``: for each entry its finished parts, with their fingerprints.

    Args:
        folder: Made when the first part is saved.
        logger: Gets a warning about a file that cannot be read.
    """

    def __init__(self, folder: Path, logger: logging.Logger) -> None:
        self.folder = folder
        self.logger = logger

    def load(self, entry: str, part: str, fingerprint: str) -> dict[str, Any] | None:
        """What was saved of a part.

        Args:
            entry: Name of the entry.
            part: Such as ``'speed'`` or ``'scores_seed_0'``.
            fingerprint: Of what is asked for now.

        Returns:
            What ``save`` got, or ``None`` if that has another fingerprint or there is nothing.
        """
        stored = self._read(entry).get(part) or {}
        return stored.get('content') if stored.get('fingerprint') == fingerprint else None

    def save(self, entry: str, part: str, fingerprint: str, content: dict[str, Any]) -> None:
        """Add a finished part, or replace it.

        Args:
            entry: Name of the entry.
            part: Such as ``'speed'`` or ``'scores_seed_0'``.
            fingerprint: Of all that the content depends on.
            content: What JSON can hold.
        """
        parts = self._read(entry)
        parts[part] = dict(fingerprint=fingerprint, content=content)
        write_file(self._path(entry), json.dumps(parts) + '\n')

    def _path(self, entry: str) -> Path:
        return self.folder / f'{entry}.json'

    def _read(self, entry: str) -> dict[str, Any]:
        """All parts of an entry; none if the file is absent or broken."""
        path = self._path(entry)
        if not path.is_file():
            return {}
        try:
            parts = json.loads(path.read_text(encoding='utf-8'))
            if all(part.keys() == {'fingerprint', 'content'} for part in parts.values()):
                return parts
            problem = 'a part lacks its fingerprint or its content'
        except (AttributeError, ValueError) as error:
            problem = str(error)
        self.logger.warning('%s is broken (%s); %r is measured again', path, problem, entry)
        return {}
