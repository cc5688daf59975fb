"""Which images of a training set keep their labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path


def parse_ratio(ratio: float | str) -> Fraction:
    """Labelled fraction as an exact number.

    Args:
        ratio: a number such as ``0.125`` or a string such as ``'1/8'``, in (0, 1].

    Returns:
        The fraction, exact for a string.

    Raises:
        ValueError: ``ratio`` is not a number or lies outside (0, 1].
    """
    try:
        fraction = Fraction(str(ratio).replace(' ', ''))
    except (ValueError, ZeroDivisionError):
        fraction = Fraction(-1)
    if not 0 < fraction <= 1:
        raise ValueError(
            f'labeled_ratio={ratio!r}: expected a number in (0, 1] such as 0.125 or "1/8"; '
            'use 1 to keep every label'
        )
    return fraction


def choose_labeled(stems: Sequence[str], ratio: float | str, seed: int) -> set[str]:
    """Choose the labelled part of a training set.

    The stems are ranked by a hash of the seed and the stem, and the first ones are kept. The choice
    therefore depends on nothing but the names, is the same on any machine, and is nested: with one
    seed the 1/8 split is part of the 1/4 split.

    Args:
        stems: names of all images of the training set.
        ratio: labelled fraction in (0, 1], see :func:`parse_ratio`.
        seed: another seed gives another split.

    Returns:
        The chosen stems, ``round(len(stems) * ratio)`` of them and at least one.

    Raises:
        ValueError: the ratio is outside (0, 1].
    """
    fraction = parse_ratio(ratio)
    ranked = sorted(stems, key=lambda stem: hashlib.sha256(f'{seed}:{stem}'.encode()).digest())
    return set(ranked[: max(1, round(len(stems) * fraction))])


def read_labeled_list(path: str | Path, stems: Sequence[str], key: str) -> set[str]:
    """Read the names of the images that keep their labels, or that belong to a split.

    Args:
        path: text file with one stem per line: the image's path below the image folder, without
            suffix. Blank lines and lines that start with ``#`` are skipped.
        stems: the stems that exist.
        key: configuration key that named the file, for error messages.

    Returns:
        The listed stems.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file lists nothing, or a stem that does not exist.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{key}={str(path)!r}: no such file; correct the path')
    lines = [line.strip() for line in path.read_text(encoding='utf-8').splitlines()]
    listed = {line for line in lines if line and not line.startswith('#')}
    if not listed:
        raise ValueError(f'{key}={str(path)!r} lists no image; expected one image stem per line')
    unknown = sorted(listed - set(stems))
    if unknown:
        example = next(iter(stems), '')
        raise ValueError(
            f'{key}={str(path)!r} names {len(unknown)} image(s) that do not exist, the first: '
            f'{unknown[:3]}; expected stems without suffix, such as {example!r}'
        )
    return listed
