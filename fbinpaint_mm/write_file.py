"""Files that are there whole or not at all, in folders that can be written to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from fbinpaint_mm.user_error import UserError

DRAFT_SUFFIX = '.part'


def write_file(path: Path, content: str | bytes, durable: bool = False) -> Path:
    """Replace a file in one step, so that an interruption leaves the old or the new one.

    Args:
        path: Where to write; folders are made.
        content: Text is written as UTF-8.
        durable: Whether to wait until the disk has it, so that not even a power failure loses it.

    Returns:
        The path.

    Raises:
        OSError: The disk is full or refuses. The message names the file, how much was to be written
            and how much is free; the old file is intact and nothing partial is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    draft = path.with_name(path.name + DRAFT_SUFFIX)
    try:
        _write(draft, data, durable)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _explained(error, path, len(data)) from error
    if durable:
        _sync_folder(path.parent)
    return path


def remove_drafts(folder: Path, pattern: str) -> list[Path]:
    """Remove what processes that were killed while writing have left.

    Args:
        folder: Where to look, without subfolders.
        pattern: Names of the files that were being written, such as ``'*.pth'``.

    Returns:
        The removed files.
    """
    drafts = sorted(folder.glob(pattern + DRAFT_SUFFIX))
    for draft in drafts:
        draft.unlink(missing_ok=True)
    return drafts


def check_writable(folder: Path) -> None:
    """Makes the output folder, and makes sure that it can be written to.

    Args:
        folder: Where the files shall be.

    Raises:
        UserError: It cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f'--out {str(folder)!r} cannot be made: {error.strerror}') from error
    if not os.access(folder, os.W_OK):
        raise UserError(f'--out {str(folder)!r} is not writable')


def check_output_file(path: Path) -> None:
    """Makes the folder of an output file, and makes sure that the file can be written.

    Args:
        path: The file.

    Raises:
        UserError: It cannot be written.
    """
    check_writable(path.parent)
    if path.is_dir():
        raise UserError(f'--out {str(path)!r} is a folder')
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f'--out {str(path)!r} is not writable')


def _write(draft: Path, data: bytes, durable: bool) -> None:
    with draft.open('wb') as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name durable too; some file systems cannot, and then need not."""
    if os.name != 'posix':
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def _explained(error: OSError, path: Path, size: int) -> OSError:
    free = shutil.disk_usage(path.parent).free
    return OSError(
        error.errno,
        f'cannot write {size / 2**20:.2f} MiB ({error.strerror}); {free / 2**20:.2f} MiB are free. '
        'Make room there or choose another folder; an older file of this name is unchanged',
        str(path),
    )
