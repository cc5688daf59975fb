"""Lists the images of a data set, and chooses which of them keep their labels."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

from fbinpaint_mm.user_error import UserError


def natural_key(stem: str) -> tuple[list[tuple[int, int | str]], str]:
    """Sort key under which ``'9'`` comes before ``'10'``, as in the numbering of CelebA-HQ."""
    parts = re.split(r'(\d+)', stem)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts], stem


def scan_folder(folder: str, suffixes: Sequence[str], key: str) -> dict[str, str]:
    """Find the files of a folder and its subfolders, as :func:`walk_folders` does.

    Args:
        folder: where to look.
        suffixes: endings of the wanted files, in any case, such as ``('.jpg', '.png')``.
        key: configuration key that named the folder, for error messages.

    Returns:
        Path by stem, in natural order; the stem is the path below ``folder`` without the suffix.

    Raises:
        FileNotFoundError: there is no such folder.
        UserError: the folder holds no such file, or two that differ only in their suffix.
    """
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f'{key}: no folder {folder!r}; correct data_root or {key} in the config '
            '(roots are set in configs/_base_/paths.py, or by FBINPAINT_CELEBAMASK_HQ, '
            'FBINPAINT_CITYSCAPES and FBINPAINT_CAMVID)'
        )
    found: dict[str, str] = {}
    for path in chain.from_iterable(list_files(it, suffixes) for it in walk_folders(folder)):
        suffix = next(end for end in suffixes if path.lower().endswith(end.lower()))
        stem = Path(path).relative_to(folder).as_posix()[: -len(suffix)]
        if stem in found:
            raise UserError(f'{key}: {found[stem]!r} and {path!r} share one stem; remove one')
        found[stem] = path
    if not found:
        raise UserError(f'{key}: {folder!r} holds no file that ends in {", ".join(suffixes)}')
    return {stem: found[stem] for stem in sorted(found, key=natural_key)}


def walk_folders(folder: str) -> Iterator[str]:
    """A folder and its subfolders, also through links, since large sets are often linked.

    Hidden folders (``.ipynb_checkpoints``) are left out. A folder that is reached in several ways
    comes once, by the way without links if there is one, so that links in a circle end too.

    Args:
        folder: Where to begin; its own name may begin with a dot.

    Yields:
        Paths, each below ``folder``, sorted but for what is linked, which comes last.

    Raises:
        OSError: A folder cannot be read.
    """
    waiting, seen = [folder], set()
    while waiting:
        for parent, names, _ in os.walk(waiting.pop(0), onerror=_raise):
            real = os.path.realpath(parent)
            names[:] = [] if real in seen else sorted(filter(is_shown, names))
            if real not in seen:
                seen.add(real)
                waiting += filter(os.path.islink, (os.path.join(parent, name) for name in names))
                yield parent


def _raise(error: OSError) -> None:
    raise error


def list_files(folder: str, suffixes: Sequence[str]) -> list[str]:
    """Files of one folder that end in one of the suffixes, in any case; hidden ones are left out.

    Args:
        folder: Is not searched below.
        suffixes: Such as ``('.jpg', '.png')``.

    Returns:
        Sorted paths; a link is one also if its target is gone.
    """
    endings = tuple(suffix.lower() for suffix in suffixes)
    names = [name for name in sorted(os.listdir(folder)) if name.lower().endswith(endings)]
    paths = [os.path.join(folder, name) for name in names if is_shown(name)]
    return [path for path in paths if not os.path.isdir(path)]


def is_shown(name: str) -> bool:
    """Whether a name is not hidden, as drafts and what macOS leaves beside files (``._a.jpg``)."""
    return not name.startswith('.')


def parse_ratio(ratio: float | str) -> Fraction:
    """Labeled fraction as an exact number.

    Args:
        ratio: a number such as ``0.125`` or a string such as ``'1/8'``, in (0, 1].

    Returns:
        The fraction, exact for a string.

    Raises:
        UserError: ``ratio`` is not a number or lies outside (0, 1].
    """
    try:
        fraction = Fraction(str(ratio).replace(' ', ''))
    except (ValueError, ZeroDivisionError):
        fraction = Fraction(-1)
    if not 0 < fraction <= 1:
        raise UserError(
            f'labeled_ratio={ratio!r}: expected a number in (0, 1] such as 0.125 or "1/8"; '
            'use 1 to keep every label'
        )
    return fraction


def choose_labeled(stems: Sequence[str], ratio: float | str, seed: int) -> set[str]:
    """Choose the labeled part of a training set.

    The stems are ranked by a hash of the seed and the stem, and the first ones are kept. The choice
    therefore depends on nothing but the names, is the same on any machine, and is nested: with one
    seed the 1/8 split is part of the 1/4 split.

    Args:
        stems: names of all images of the training set.
        ratio: labeled fraction in (0, 1], see :func:`parse_ratio`.
        seed: another seed gives another split.

    Returns:
        The chosen stems, ``round(len(stems) * ratio)`` of them and at least one.

    Raises:
        UserError: the ratio is outside (0, 1].
    """
    fraction = parse_ratio(ratio)
    # Names that are no UTF-8 are given by Python with surrogates.
    coded = {stem: f'{seed}:{stem}'.encode(errors='surrogateescape') for stem in stems}
    ranked = sorted(stems, key=lambda stem: hashlib.sha256(coded[stem]).digest())
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
        UserError: the file is no text, lists nothing, or a stem that does not exist.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{key}={str(path)!r}: no such file; correct the path')
    try:
        text = path.read_text(encoding='utf-8-sig')  # Windows begins it with a byte order mark
    except UnicodeDecodeError as error:
        raise UserError(f'{key}={str(path)!r} is no UTF-8 text; save it as UTF-8') from error
    lines = [line.strip() for line in text.splitlines()]
    listed = {line for line in lines if line and not line.startswith('#')}
    if not listed:
        raise UserError(f'{key}={str(path)!r} lists no image; expected one image stem per line')
    unknown = sorted(listed - set(stems))
    if unknown:
        example = next(iter(stems), '')
        raise UserError(
            f'{key}={str(path)!r} names {len(unknown)} image(s) that do not exist, the first: '
            f'{unknown[:3]}; expected stems without suffix, such as {example!r}'
        )
    return listed
