"""Which results of a folder are finished, and what they were made with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from fbinpaint_mm.fingerprint import file_content

MANIFEST = 'manifest.jsonl'


class Manifest:
    """``FOLDER/manifest.jsonl``: lines about the pictures of a folder; the last one of each counts.

    A line has ``output``, the ``fingerprint`` of all that went into it, and ``files``: path below
    the folder -> hash of the content. It is added when all files are written. Before a picture's
    first file is written, it gets a line without fingerprint that names them all, so that what an
    interruption leaves is known as ours, and other files are not overwritten. A line that was cut
    off does not count.

    Args:
        folder: Folder of the results.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records = self._read()
        self._ours = {name for record in self._records.values() for name in record['files']}

    def is_finished(self, output: str, fingerprint: str) -> bool:
        """Whether a result was made with this fingerprint, and all of it is still as it was.

        Args:
            output: Name of the result.
            fingerprint: Of what is asked for now.
        """
        record = self._records.get(output)
        return bool(
            record
            and record['fingerprint'] == fingerprint
            and all(self._is_intact(name, digest) for name, digest in record['files'].items())
        )

    def claim(self, output: str, names: Iterable[str], overwrite: bool) -> None:
        """Make sure that the files of a result may be written.

        Args:
            output: Name of the result.
            names: Its files, as paths below the folder.
            overwrite: Whatever is there now.

        Raises:
            FileExistsError: There is such a file, and no line about it.
        """
        new = [name for name in names if name not in self._ours]
        foreign = [self.folder / name for name in new if (self.folder / name).exists()]
        if foreign and not overwrite:
            raise FileExistsError(
                f'{foreign[0]} exists and was not made by this tool, as far as {MANIFEST} knows; '
                'it is replaced only with --overwrite'
            )
        if new:
            files = (self._records.get(output) or {}).get('files', {})
            self._append(dict(output=output, fingerprint=None, files=dict.fromkeys(new) | files))

    def finish(self, output: str, fingerprint: str, files: Mapping[str, bytes]) -> None:
        """Add a result whose files are written, and remove what an earlier one left beside it.

        Args:
            output: Name of the result.
            fingerprint: Of all that went into it.
            files: Path below the folder, and content.
        """
        others = [record for key, record in self._records.items() if key != output]
        for name in set((self._records.get(output) or {}).get('files', ())) - set(files):
            if not any(name in other['files'] for other in others):
                (self.folder / name).unlink(missing_ok=True)
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        self._append(dict(output=output, fingerprint=fingerprint, files=hashes))

    def _append(self, record: dict) -> None:
        with (self.folder / MANIFEST).open('a', encoding='utf-8') as file:
            file.write(self._line_break + json.dumps(record) + '\n')
        self._records[record['output']], self._line_break = record, ''
        self._ours.update(record['files'])

    def _is_intact(self, name: str, digest: str) -> bool:
        path = self.folder / name
        return path.is_file() and file_content(path) == digest

    def _read(self) -> dict[str, dict]:
        path, records = self.folder / MANIFEST, {}
        text = path.read_text(encoding='utf-8') if path.is_file() else ''
        # A new line must not be glued to one that was cut off.
        self._line_break = '\n' if text and not text.endswith('\n') else ''
        for line in text.splitlines():
            try:
                record = json.loads(line)
                records[record['output']] = dict(
                    fingerprint=record['fingerprint'], files=dict(record['files'])
                )
            except (KeyError, TypeError, ValueError):
                continue
        return records
