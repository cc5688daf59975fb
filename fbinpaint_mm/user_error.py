"""Mistakes of the user: one sentence on the screen instead of a traceback."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence

# Exit statuses: as argparse reports a wrong argument, and a shell a Ctrl-C.
USAGE_ERROR, INTERRUPTED = 2, 130


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
        if isinstance(error, OSError) and not _is_about_a_file(error):
            raise
        print(f'{tool}: {_sentence(error)}', file=sys.stderr)
        sys.exit(USAGE_ERROR)


def _is_about_a_file(error: OSError) -> bool:
    return error.filename is not None or isinstance(error, FileNotFoundError)


def _sentence(error: Exception) -> str:
    """The message alone; a worker of a DataLoader passes it on at the end of a traceback."""
    text = str(error)
    is_passed_on = text.startswith(f'Caught {type(error).__name__} in DataLoader worker')
    return text.rpartition(f'{type(error).__name__}: ')[2].strip() if is_passed_on else text


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
