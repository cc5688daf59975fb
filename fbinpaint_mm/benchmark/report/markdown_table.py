"""Tables of text in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is aligned left and whose others are aligned right.

    Args:
        headers: Heading of each column.
        rows: Text of each cell; bars are escaped and line breaks become ``<br>``.

    Returns:
        Lines without a line break at the end.
    """
    rule = [':--', *['--:'] * (len(headers) - 1)]
    lines = [[escape(text) for text in cells] for cells in (headers, *rows)]
    lines.insert(1, rule)
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in lines)


def escape(text: str) -> str:
    """Text that stays in its cell."""
    return text.replace('|', '\\|').replace('\n', '<br>')
