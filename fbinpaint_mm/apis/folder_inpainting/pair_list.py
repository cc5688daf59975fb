"""Lists of pictures and their masks."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

HEADER = ['image', 'mask']


class Pair(NamedTuple):
    """One line of a list.

    Attributes:
        image: File of the picture.
        mask: File of its mask.
        name: Of the picture: its path below the folder of the list, else the file's own name.
        line: Number of the line, from 1.
    """

    image: Path
    mask: Path
    name: str
    line: int


def read_pairs(path: Path) -> list[Pair]:
    """Read a list of pictures and masks.

    Args:
        path: Text file with ``image,mask`` in each line; a tab or blanks may stand for the comma.
            Paths are relative to the folder of the list. Empty lines, lines that begin with ``#``
            and a first line ``image,mask`` do not count.

    Returns:
        The pairs, in the order of the list. Whether the files exist is not looked at.

    Raises:
        ValueError: A line does not have two fields, or there is no line. The message has the number
            of the line.
    """
    lines = path.read_text(encoding='utf-8-sig').splitlines()
    numbered = [(number, _split(line)) for number, line in enumerate(lines, 1)]
    rows = [(number, fields) for number, fields in numbered if fields and fields[0][:1] != '#']
    if rows and [field.lower() for field in rows[0][1]] == HEADER:
        rows = rows[1:]
    for number, fields in rows:
        if len(fields) != 2 or not all(fields):
            raise ValueError(
                f'{path}, line {number}: found {len(fields)} fields {fields}, expected '
                "'image,mask'; put names with blanks or commas in quotes"
            )
    if not rows:
        raise ValueError(f'{path} has no line; expected lines with image,mask')
    return [_pair(path.parent, number, *fields) for number, fields in rows]


def _split(line: str) -> list[str]:
    delimiter = next((mark for mark in '\t,' if mark in line), ' ')
    fields = next(csv.reader([line.strip()], delimiter=delimiter, skipinitialspace=True), [])
    return [field.strip() for field in fields]


def _pair(folder: Path, number: int, image: str, mask: str) -> Pair:
    inside = not Path(image).is_absolute() and '..' not in Path(image).parts
    name = Path(image).as_posix() if inside else Path(image).name
    return Pair(folder / image, folder / mask, name, number)
