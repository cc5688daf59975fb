"""One process at a time in an output folder."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import remove_drafts

LOCK_FILE = '.fbinpaint.lock'
HELD_ELSEWHERE = (errno.EACCES, errno.EAGAIN)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keeps other processes that ask for the same folder out of it.

    What processes that were killed while writing have left there is removed.

    The file ``.fbinpaint.lock`` in the folder names host and process. The lock itself is the
    system's and ends with the process, however that ends: the file that a killed process leaves is
    stale by itself, and its workers, which may live a little longer, do not hold the folder. A file
    system without locks (some network ones) locks nothing, nor does a process lock out itself.

    Args:
        folder: Made if it is not there.

    Raises:
        UserError: Another process has it; the message names that process and its host.
        OSError: The folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK_FILE
    handle = _acquire(path)
    try:
        with suppress(OSError):  # a full disk: the name is for others to read only
            os.ftruncate(handle, 0)
            os.write(handle, f'process {os.getpid()} on host {socket.gethostname()}\n'.encode())
        remove_drafts(folder)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _acquire(path: Path) -> int:
    """Descriptor of the lock file, locked."""
    while True:
        # A link in its place would be written through.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            _lock(handle, path)
        except BaseException:
            os.close(handle)
            raise
        if _is_still(handle, path):
            return handle
        os.close(handle)


def _is_still(handle: int, path: Path) -> bool:
    """Whether the file is the one that was opened: who held it before may have removed it since."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False


def _lock(handle: int, path: Path) -> None:
    try:
        # Unlike flock's, these locks are not inherited by the workers of a DataLoader.
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD_ELSEWHERE:
            holder = os.read(handle, 1000).decode(errors='replace').strip()
            raise UserError(
                f'{str(path.parent)!r} is in use by {holder or "another process"}: wait until that '
                'has ended, or name another folder'
            ) from error
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
