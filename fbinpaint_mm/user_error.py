"""Mistakes of the user: one sentence on the screen instead of a traceback."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType

# Exit statuses: as argparse reports a wrong argument, and a shell a Ctrl-C.
USAGE_ERROR, INTERRUPTED = 2, 130
# An environment variable: where it is set, no traceback is replaced by a sentence.
TRACEBACK = 'FBINPAINT_TRACEBACK'
WITHOUT_DOWNLOAD = (
    'Put the file into the folder checkpoints of torch.hub.get_dir(), or give the path of one'
)
WRONG_FILES = {
    FileNotFoundError: 'there is no such file or folder',
    FileExistsError: 'found a file, expected a folder',
    IsADirectoryError: 'found a folder, expected a file',
    NotADirectoryError: 'found a file, expected a folder, here or above',
    PermissionError: 'no permission to read or to write here',
}


class UserError(ValueError):
    """A mistake of the user, told in one sentence; the tools print it without a traceback.

    The message names the file, setting or argument, what was found, and what was expected. Files
    that are missing or cannot be written raise an ``OSError`` instead, which the tools print alike.
    Every other exception is a bug of this package.
    """


@contextlib.contextmanager
def errors_for_users(tool: str) -> Iterator[None]:
    """Ends the process with one sentence if it is the user who can put the error right.

    Args:
        tool: Name of the tool, to begin the sentence with.

    Raises:
        SystemExit: With status 2, instead of a `UserError` or an ``OSError`` about a file; all
            other exceptions keep their traceback.
    """
    try:
        yield
    except (UserError, OSError) as error:
        if os.environ.get(TRACEBACK) or not _is_for_users(error):
            raise
        print(f'{tool}: {_sentence(error)}', file=sys.stderr)
        sys.exit(USAGE_ERROR)


def _is_for_users(error: UserError | OSError) -> bool:
    if isinstance(error, UserError):
        return True
    # From a worker of a DataLoader, it has the file in its text only.
    if isinstance(error, tuple(WRONG_FILES)):
        return True
    return error.filename is not None or _failed_download(error) is not None


def _sentence(error: UserError | OSError) -> str:
    """The message alone; a worker of a DataLoader passes it on at the end of a traceback."""
    text = str(error)
    if text.startswith(f'Caught {type(error).__name__} in DataLoader worker'):
        return text.rpartition(f'{type(error).__name__}: ')[2].strip()
    if isinstance(error, OSError) and _failed_download(error):
        return f'{_failed_download(error)} could not be downloaded: {text}. {WITHOUT_DOWNLOAD}'
    return _about_the_file(error) if isinstance(error, OSError) and error.filename else text


def _about_the_file(error: OSError) -> str:
    """Python's own begins with a number."""
    return f'{error.filename!r}: {reason_of(error)}'


def reason_of(error: OSError) -> str | None:
    """What is wrong with a file; Python says only that it exists where a folder should be.

    Args:
        error: About a file or folder.

    Returns:
        Such as ``'found a file, expected a folder'``; Python's own words for other errors.
    """
    kinds = (text for kind, text in WRONG_FILES.items() if isinstance(error, kind))
    return next(kinds, error.strerror)


def _failed_download(error: OSError) -> str | None:
    """Address of what torch was downloading, which the error does not say; None if nothing was."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    addresses = [frame.f_locals.get('url') for frame in frames if _is_of_torch_hub(frame)]
    return addresses[0] if addresses else None


def _is_of_torch_hub(frame: FrameType) -> bool:
    return frame.f_globals.get('__name__') == 'torch.hub'


def require_extra(extra: str, modules: Sequence[str]) -> None:
    """Makes sure that the packages of one of our extras are installed, without importing them.

    Args:
        extra: Name of the extra in pyproject.toml.
        modules: Top-level modules that are needed.

    Raises:
        UserError: Names those that are absent, and the pip command.
    """
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    if absent:
        raise UserError(
            f"{', '.join(absent)}: not installed. Run: pip install 'fbinpaint_mm[{extra}]'"
        )


def in_one_line(error: BaseException) -> str:
    """The message of an error without line breaks, its type too where that alone says little.

    Args:
        error: The messages of `UserError` and ``OSError`` are sentences of their own.

    Returns:
        Such as ``'no folder photos'`` or ``"KeyError: 'mask'"``.
    """
    text = ' '.join(str(error).split())
    told = isinstance(error, (UserError, OSError)) and text
    return text if told else f'{type(error).__name__}: {text}'
