"""Finds the pictures that files, folders and globs stand for."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.tif', '.tiff')


def find_images(
    inputs: Sequence[str], recursive: bool, excluded: Path | None = None
) -> dict[Path, str]:
    """Find all pictures of a command line.

    Args:
        inputs: Each a file, taken whatever its suffix; a folder, of which files with the suffix of
            an image are taken; or a glob, whose ``**`` stands for any folders.
        recursive: Also take the subfolders of folders.
        excluded: Folder to leave out, such as that of the results.

    Returns:
        For each picture, once, its name: the path below the folder, or below the part of the glob
        without wildcards, else the file's own name.

    Raises:
        FileNotFoundError: An input does not exist, or holds no picture.
    """
    found: dict[Path, str] = {}
    for text in inputs:
        images = {path: name for path, name in _expand(text, recursive) if path not in found}
        images = {path: name for path, name in images.items() if not _is_below(path, excluded)}
        found.update(images)
    return _without_repetition(found)


def _expand(text: str, recursive: bool) -> Iterator[tuple[Path, str]]:
    path = Path(text)
    if path.is_file():
        return iter([(path, path.name)])
    if path.is_dir():
        return _named(list_images(path, recursive), path, f'folder {text!r}')
    if not glob.has_magic(text):
        raise FileNotFoundError(f'{text!r} does not exist; expected a file, a folder or a glob')
    matches = map(Path, sorted(glob.glob(text, recursive=True)))
    return _named(list(filter(is_image, matches)), glob_root(text), f'glob {text!r}')


def _named(paths: list[Path], root: Path, source: str) -> Iterator[tuple[Path, str]]:
    if not paths:
        raise FileNotFoundError(
            f'{source} holds no image; expected files that end in {", ".join(IMAGE_SUFFIXES)}'
            + (', or --recursive to look into subfolders' if source.startswith('folder') else '')
        )
    return ((path, path.relative_to(root).as_posix()) for path in paths)


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


def _is_below(path: Path, folder: Path | None) -> bool:
    return folder is not None and path.resolve().is_relative_to(folder.resolve())


def _without_repetition(found: dict[Path, str]) -> dict[Path, str]:
    """Of several ways to the same file, the first."""
    ways: dict[Path, Path] = {}
    for path in found:
        ways.setdefault(path.resolve(), path)
    return {path: found[path] for path in ways.values()}
