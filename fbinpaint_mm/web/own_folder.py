"""A folder for all that the page and its visitors write."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

GRADIO_FOLDER = 'GRADIO_TEMP_DIR'  # environment variable
# How a process is ended that no terminal belongs to, and one whose terminal is closed.
ENDINGS = ('SIGTERM', 'SIGHUP')


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """Makes a folder and has gradio write into it; at the end it is gone with all its files.

    Signals that end the process do so by ``SystemExit`` meanwhile, so the end is reached.

    Yields:
        The folder, which nobody else of the machine can read. It lies in the one that the
        environment variable ``GRADIO_TEMP_DIR`` names, by default in that for temporary files.
    """
    parent = os.environ.get(GRADIO_FOLDER)
    if parent:
        Path(parent).mkdir(parents=True, exist_ok=True)
    with (
        _ended_in_order(),
        TemporaryDirectory(
            prefix='fbinpaint_mm_web_', dir=parent or None, ignore_cleanup_errors=True
        ) as folder,
        _environment(GRADIO_FOLDER, str(Path(folder, 'visitors'))),
    ):
        yield Path(folder)


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
    numbers = [getattr(signal, name) for name in ENDINGS if hasattr(signal, name)]
    # Those that are ignored, as nohup has it, remain so.
    numbers = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
