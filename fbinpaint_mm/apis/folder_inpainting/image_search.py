"""Finds the pictures that files, folders and globs stand for."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.tif', '.tiff')


def find_images(
    inputs: Sequence[str], recursive: bool, excluded: Sequence[Path] = ()
) -> dict[Path, str]:
    """Find all pictures of a command line.

    Args:
        inputs: Each a file, taken whatever its suffix; a folder, of which files with the suffix of
            an image are taken; or a glob, whose ``**`` stands for any folders.
        recursive: Also take the subfolders of folders.
        excluded: Folders to leave out where they lie inside an input, such as that of the results.

    Returns:
        For each picture, once, its name: the path below the folder, or below the part of the glob
        without wildcards, else the file's own name.

    Raises:
        FileNotFoundError: An input does not exist, or holds no picture.
    """
    found: dict[Path, str] = {}
    for text in inputs:
        root, images = _expand(text, recursive)
        outside = [folder for folder in excluded if not _is_below(root, folder)]
        images = [path for path in images if not any(_is_below(path, it) for it in outside)]
        if not images:
            raise FileNotFoundError(_nothing_found(text, recursive))
        for path in images:
            found.setdefault(path, path.relative_to(root).as_posix())
    return _without_repetition(found)


def _expand(text: str, recursive: bool) -> tuple[Path, list[Path]]:
    """The folder that names are relative to, and the files of one input."""
    path = Path(text)
    if path.is_file():
        return path.parent, [path]
    if path.is_dir():
        return path, list_images(path, recursive)
    if not glob.has_magic(text):
        raise FileNotFoundError(f'{text!r} does not exist; expected a file, a folder or a glob')
    matches = map(Path, sorted(glob.glob(text, recursive=True)))
    return glob_root(text), list(filter(is_image, matches))


def _nothing_found(text: str, recursive: bool) -> str:
    hint = ', or --recursive to look into subfolders' if Path(text).is_dir() else ''
    suffixes = ', '.join(IMAGE_SUFFIXES)
    return f'{text!r} holds no image; expected files that end in {suffixes}{hint * (not recursive)}'


def list_images(folder: Path, recursive: bool) -> list[Path]:
    """Files of a folder that look like images, sorted; hidden ones are left out."""
    found = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if recursive and not name.startswith('.'))
        found += [Path(parent, name) for name in sorted(names) if is_image(Path(parent, name))]
    return found


def is_image(path: Path) -> bool:
    """Whether a file looks like an image, by its name."""
    hidden = path.name.startswith('.')
    return path.suffix.lower() in IMAGE_SUFFIXES and not hidden and path.is_file()


def glob_root(pattern: str) -> Path:
    """The folders of a glob before the first wildcard."""
    parts = PurePosixPath(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _without_repetition(found: dict[Path, str]) -> dict[Path, str]:
    """Of several ways to the same file, the first."""
    ways: dict[Path, Path] = {}
    for path in found:
        ways.setdefault(path.resolve(), path)
    return {path: found[path] for path in ways.values()}
