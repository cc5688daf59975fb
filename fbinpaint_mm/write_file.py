"""Files that are there whole or not at all, in folders that can be written to."""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from fbinpaint_mm.user_error import UserError, reason_of

DRAFT_SUFFIX = '.part'
# <begin of the name>.<process>.<number><suffix>.part
DRAFT = re.compile(r'\.(?P<process>\d+)\.\d+(\.[^.]*)?\.part$')
NUMBERS, STARTED = itertools.count(), time.time()
# In bytes and characters: drafts stay below the 255 bytes of a file system, or 143 of an encrypted.
LONGEST_STEM, LONGEST_SUFFIX = 80, 12
FULL = (errno.ENOSPC, errno.EDQUOT)


def write_file(path: Path, content: str | bytes, durable: bool = False) -> Path:
    """Replace a file in one step, so that an interruption leaves the old or the new one.

    A link in the place of the file is replaced, and what it leads to left alone.

    Args:
        path: Where to write; folders are made.
        content: Text is written as UTF-8.
        durable: Whether to wait until the disk has it, so that not even a power failure loses it.

    Returns:
        The path.

    Raises:
        OSError: The disk is full or refuses. The message names the file, how much was to be written
            and, on a full disk, how much is free; the old file is intact and nothing partial is
            left.
    """
    data = content.encode() if isinstance(content, str) else content
    draft = _draft_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)  # of a killed process that had the same number
        _write(draft, data, durable)
        os.replace(draft, path)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _explained(error, path, len(data)) from error
        raise
    if durable:
        _sync_folder(path.parent)
    return path


def _draft_of(path: Path) -> Path:
    """A name of this process and this call alone."""
    stem = path.stem.encode(errors='ignore')[:LONGEST_STEM].decode(errors='ignore')
    suffix = path.suffix[:LONGEST_SUFFIX]
    return path.with_name(f'{stem}.{os.getpid()}.{next(NUMBERS)}{suffix}{DRAFT_SUFFIX}')


def remove_drafts(folder: Path) -> list[Path]:
    """Remove what processes that were killed while writing have left.

    Drafts of processes that run on this host stay. Those of other hosts go: hold the folder, see
    :func:`fbinpaint_mm.folder_lock.locked_folder`.

    Args:
        folder: Where to look, subfolders included, but not where links lead.

    Returns:
        The removed files.
    """
    drafts = [path for path in sorted(folder.rglob('*' + DRAFT_SUFFIX)) if _is_stale(path)]
    for draft in drafts:
        draft.unlink(missing_ok=True)
    return drafts


def _is_stale(draft: Path) -> bool:
    found = DRAFT.search(draft.name)
    if found is None:  # a file of somebody else
        return False
    if int(found['process']) == os.getpid():  # in a container, a run often has the number again
        return draft.stat().st_mtime < STARTED
    try:
        os.kill(int(found['process']), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # it runs, for another user
        pass
    return False


def check_writable(folder: Path, option: str = '--out') -> None:
    """Makes the output folder, and makes sure that it can be written to.

    Args:
        folder: Where the files shall be.
        option: What named it, for the message.

    Raises:
        UserError: It cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f'{option} {str(folder)!r} cannot be made: {reason_of(error)}') from error
    if not os.access(folder, os.W_OK):
        raise UserError(f'{option} {str(folder)!r} is not writable')


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
    with draft.open('xb') as file:  # a new file: never through a link
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
    reason = f'cannot write {size / 2**20:.2f} MiB ({error.strerror})'
    if error.errno in FULL:
        folder = next(one for one in path.absolute().parents if one.is_dir())
        free = shutil.disk_usage(folder).free
        reason += f'; {free / 2**20:.2f} MiB are free. Make room there or choose another folder'
    if os.path.lexists(path):
        reason += '; the older file of this name is unchanged'
    return OSError(error.errno, reason, str(path))
