"""Local files that are there whole or not at all, as a storage backend of mmengine."""

from __future__ import annotations

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from fbinpaint_mm.write_file import write_file

WHOLE_FILE = 'whole_file'


@register_backend(WHOLE_FILE)
class WholeFileBackend(LocalBackend):
    """mmengine's local backend, whose ``put`` cannot leave half a file.

    mmengine's own writes to the final name: a process that is killed, or a disk that fills up
    meanwhile, leaves a truncated checkpoint there. Chosen by
    ``backend_args=dict(backend='whole_file')``.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file in one step.

        Args:
            obj: Its content.
            filepath: Its path; folders are made.

        Raises:
            OSError: The disk is full or refuses, see :func:`fbinpaint_mm.write_file.write_file`.
        """
        write_file(Path(filepath), obj, durable=True)
