"""The error of a file that is there, but not whole."""

from __future__ import annotations


class CorruptFileError(ValueError):
    """A file is truncated, damaged or no image at all.

    It can be raised again from its message alone, as torch does with errors of worker processes.

    Args:
        message: Names the file and says what is wrong.
    """
