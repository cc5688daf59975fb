"""A folder for all that the page and its visitors write: bounded, and gone at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

GRADIO_FOLDER = 'GRADIO_TEMP_DIR'  # environment variable
# Ctrl+C; what ends a process that no terminal belongs to, and one whose terminal is closed.
ENDINGS = ('SIGINT', 'SIGTERM', 'SIGHUP')
# At removing the folder: a run that ends at that moment still writes its result.
ATTEMPTS = 100
MAX_BYTES = 4 * 2**30  # of visitors' files


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """Makes a folder and has gradio write into it; at the end it is gone with all its files.

    A signal that ends the process does so when the folder is gone.

    Yields:
        The folder, which nobody else of the machine can read. It lies in the one that the
        environment variable ``GRADIO_TEMP_DIR`` names, by default in that for temporary files.
    """
    parent = os.environ.get(GRADIO_FOLDER) or None
    if parent is not None:
        Path(parent).mkdir(parents=True, exist_ok=True)
    with _ended_in_order():
        folder = Path(tempfile.mkdtemp(prefix='fbinpaint_mm_web_', dir=parent))
        try:
            with _environment(GRADIO_FOLDER, str(folder / 'visitors')):
                yield folder
        finally:
            _remove(folder)


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


def _remove(folder: Path) -> None:
    for _ in range(ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Has a signal first raise ``SystemExit``, and end the process when that has got here."""
    numbers = [getattr(signal, name) for name in ENDINGS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    received: list[int] = []

    def end(number: int, _: object) -> None:
        received.append(number)
        for other in before:
            signal.signal(other, signal.SIG_IGN)  # or a second one would break off the cleaning
        sys.exit(128 + number)

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:  # without waiting for a run, which would write again
            signal.signal(received[0], signal.SIG_DFL)
            os.kill(os.getpid(), received[0])
