"""An error as one line of a list or log."""

from __future__ import annotations


def in_one_line(error: BaseException) -> str:
    """The message of an error without line breaks, its type too where that alone says little.

    Args:
        error: The messages of ``ValueError`` and ``OSError`` are taken for sentences of their own.

    Returns:
        Such as ``'no folder photos'`` or ``"KeyError: 'mask'"``.
    """
    text = ' '.join(str(error).split())
    told = isinstance(error, (ValueError, OSError)) and text
    return text if told else f'{type(error).__name__}: {text}'
