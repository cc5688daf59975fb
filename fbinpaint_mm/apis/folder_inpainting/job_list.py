"""What has to be done, known before anything is done: images, masks, and names of results."""

from __future__ import annotations

import glob
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fbinpaint_mm.datasets.image_lists import list_files, walk_folders
from fbinpaint_mm.picture_file import SUFFIXES
from fbinpaint_mm.user_error import UserError

FORMAT_OF_SUFFIX = {'.png': 'png', '.jpg': 'jpg', '.jpeg': 'jpg', '.webp': 'webp'}
LISTED = 10


@dataclass(frozen=True)
class Job:
    """One picture to inpaint, and where the result goes.

    Args:
        image: File of the picture.
        output: File of the result, relative to the folder of all results, with ``/``.
        mask: File of its mask; ``None`` where masks are made from something else.
        shares_stem: Whether another result differs by its suffix alone.
    """

    image: Path
    output: str
    mask: Path | None = None
    shares_stem: bool = False

    @property
    def stem(self) -> str:
        """What maps, rounds and masks are named: ``output``, without its suffix if it may."""
        return self.output if self.shares_stem else _without_suffix(self.output)

    @property
    def form(self) -> str:
        """Format of the result: ``'png'``, ``'jpg'`` or ``'webp'``."""
        return FORMAT_OF_SUFFIX[PurePosixPath(self.output).suffix.lower()]

    def __str__(self) -> str:
        return f'{self.image} (mask {self.mask})' if self.mask else str(self.image)


def find_images(
    inputs: Sequence[str], recursive: bool = False, excluded: Sequence[Path] = ()
) -> dict[Path, str]:
    """Finds all pictures of a command line.

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
    found: dict[Path, tuple[Path, str]] = {}
    for text in inputs:
        root, images = _expand(text, recursive)
        outside = [folder for folder in excluded if not _is_below(root, folder)]
        images = [path for path in images if not any(_is_below(path, it) for it in outside)]
        if not images:
            raise FileNotFoundError(_nothing_found(text, recursive))
        for path in images:
            found.setdefault(path.resolve(), (path, path.relative_to(root).as_posix()))
    return dict(found.values())


def list_jobs(
    images: Mapping[Path, str],
    form: str = 'lossless',
    masks: Path | None = None,
    skip_missing: bool = False,
) -> list[Job]:
    """Names the result of every picture, and its mask.

    Of pictures whose results would have one name, ``a.jpg`` and ``a.png``, the one that has it
    already keeps it; the other's result is ``a.jpg.png``.

    The mask of ``street/a.jpg`` in a folder of masks is ``street/a.jpg.*``, as it is written for
    pictures that differ by their suffix alone; else ``street/a_mask.*``, else ``street/a.*``; of
    any format. Pictures and masks may share a folder: what is the mask of a picture is no picture
    to inpaint.

    Args:
        images: Name of every picture, from ``find_images``.
        form: ``'lossless'``: WebP of WebP, PNG of all others; ``'keep'``: that of the picture, PNG
            where it cannot be written; or the format of all: ``'png'``, ``'jpg'`` or ``'webp'``.
        masks: One file for all pictures, or a folder of masks; ``None`` where masks are made from
            something else.
        skip_missing: Leave out pictures without a mask.

    Returns:
        One job for each picture.

    Raises:
        FileNotFoundError: Pictures have no mask; the message lists the first ten.
        UserError: A picture has several masks.
    """
    if masks is None:
        return _named_jobs(dict.fromkeys(images), images, form)
    found = _find_masks(images, masks)
    used = {mask.resolve() for mask in found.values() if mask is not None}
    found = {path: mask for path, mask in found.items() if path.resolve() not in used}
    missing = [str(path) for path, mask in found.items() if mask is None]
    if missing and not skip_missing:
        raise FileNotFoundError(_masks_missing(masks, missing))
    return _named_jobs({path: mask for path, mask in found.items() if mask}, images, form)


def _expand(text: str, recursive: bool) -> tuple[Path, list[Path]]:
    """The folder that names are relative to, and the files of one input."""
    path = Path(text)
    if path.is_file():
        return path.parent, [path]
    if path.is_dir():
        return path, _list_images(path, recursive)
    if not glob.has_magic(text):
        raise FileNotFoundError(f'{text!r} does not exist; expected a file, a folder or a glob')
    parts = path.parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed]), _matches(text)


def _list_images(folder: Path, recursive: bool) -> list[Path]:
    """Files of a folder that look like images, sorted; hidden ones are left out."""
    folders = walk_folders(str(folder)) if recursive else [str(folder)]
    return sorted(Path(path) for parent in folders for path in list_files(parent, SUFFIXES))


def _matches(pattern: str) -> list[Path]:
    """Images that match a glob, sorted."""
    paths = {path for path in map(Path, _expand_glob(pattern)) if not path.is_dir()}
    return sorted(path for path in paths if path.suffix.lower() in SUFFIXES)


def _expand_glob(pattern: str) -> Iterator[str]:
    """What ``glob.glob`` finds, but every folder once, also where links form a circle."""
    parts = Path(pattern).parts
    if '**' not in parts:
        yield from glob.glob(pattern)
        return
    split = parts.index('**')
    heads = glob.glob(os.path.join(*parts[:split])) if split else [os.curdir]
    for head in filter(os.path.isdir, heads):
        for folder in walk_folders(head):
            rest = parts[split + 1 :] or ['*']
            yield from _expand_glob(os.path.join(glob.escape(folder), *rest))


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _nothing_found(text: str, recursive: bool) -> str:
    hint = ', or --recursive to look into subfolders' if Path(text).is_dir() else ''
    suffixes = ', '.join(SUFFIXES)
    return f'{text!r} holds no image; expected files that end in {suffixes}{hint * (not recursive)}'


def _find_masks(images: Mapping[Path, str], masks: Path) -> dict[Path, Path | None]:
    """The mask of every picture, ``None`` where there is none."""
    if masks.is_file():
        return dict.fromkeys(images, masks)
    by_name = defaultdict(list)
    for path in _list_images(masks, recursive=True):
        by_name[path.relative_to(masks).with_suffix('').as_posix()].append(path)
    return {path: _choose_mask(path, name, by_name) for path, name in images.items()}


def _choose_mask(image: Path, name: str, by_name: Mapping[str, list[Path]]) -> Path | None:
    stem = _without_suffix(name)
    for wanted in (name, f'{stem}_mask', stem):
        found = [path for path in by_name.get(wanted, ()) if path.resolve() != image.resolve()]
        if len(found) > 1:
            listed = ', '.join(map(str, found))
            raise UserError(f'image {image} has several masks: {listed}; keep one')
        if found:
            return found[0]
    return None


def _masks_missing(masks: Path, missing: list[str]) -> str:
    more = [f'... and {len(missing) - LISTED} more'] if len(missing) > LISTED else []
    head = f'{len(missing)} images have no mask of their name in {masks}:'
    listed = '\n  '.join([head, *missing[:LISTED], *more])
    return f'{listed}\nAdd them, or leave them out with --skip-missing'


def _without_suffix(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(''))


def _named_jobs(
    masks: Mapping[Path, Path | None], images: Mapping[Path, str], form: str
) -> list[Job]:
    """One job for each picture that ``masks`` has."""
    outputs = _output_names({path: images[path] for path in masks}, form)
    stems = Counter(map(_without_suffix, outputs.values()))
    return [
        Job(path, output, masks[path], shares_stem=stems[_without_suffix(output)] > 1)
        for path, output in outputs.items()
    ]


def _output_names(images: Mapping[Path, str], form: str) -> dict[Path, str]:
    wanted = {path: _output_name(name, form) for path, name in images.items()}
    counts = Counter(wanted.values())
    return {
        path: output
        if counts[output] == 1 or output == images[path]
        else images[path] + PurePosixPath(output).suffix
        for path, output in wanted.items()
    }


def _output_name(name: str, form: str) -> str:
    """Name of the result of a picture: its own if it is of the wanted format."""
    path = PurePosixPath(name)
    found = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if form == 'keep':
        form = found or 'png'
    if form == 'lossless':
        form = 'webp' if found == 'webp' else 'png'
    return str(path if found == form else path.with_suffix(f'.{form}'))
