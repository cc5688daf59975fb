"""Checks of image and label files that run once, before training starts."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from fbinpaint_mm.datasets.corrupt_file_error import CorruptFileError
from fbinpaint_mm.datasets.image_problem import DECODING_ERRORS, image_problem

UNKNOWN = 255
CHECKS = ('auto', 'full', 'headers', 'off')
# Decoding runs at some 20 to 50 MB per second and core: 'auto' stays below about ten seconds.
FULL_CHECK_BYTES = 256 * 2**20
PROGRESS_BAR_FROM = 500
DECODED_LABELS_OF_HEADER_CHECK = 64
EXIF_ORIENTATION, EXIF_SIDEWAYS = 274, (5, 6, 7, 8)


def natural_key(stem: str) -> tuple[list[tuple[int, int | str]], str]:
    """Sort key under which ``'9'`` comes before ``'10'``, as in the numbering of CelebA-HQ."""
    parts = re.split(r'(\d+)', stem)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts], stem


def scan_folder(folder: str, suffixes: Sequence[str], key: str) -> dict[str, str]:
    """Find the files of a folder and its subfolders.

    Args:
        folder: where to look.
        suffixes: endings of the wanted files, in any case, such as ``('.jpg', '.png')``.
        key: configuration key that named the folder, for error messages.

    Returns:
        Path by stem, in natural order; the stem is the path below ``folder`` without the suffix.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: the folder holds no such file, or two that differ only in their suffix.
    """
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f'{key}: no folder {folder!r}; correct data_root or {key} in the config '
            '(configs/_base_/paths.py and its environment variables set the roots)'
        )
    found: dict[str, str] = {}
    for path in _walk(folder):
        suffix = next((end for end in suffixes if path.lower().endswith(end.lower())), None)
        if suffix is None:
            continue
        stem = Path(path).relative_to(folder).as_posix()[: -len(suffix)]
        if stem in found:
            raise ValueError(f'{key}: {found[stem]!r} and {path!r} share one stem; remove one')
        found[stem] = path
    if not found:
        raise ValueError(f'{key}: {folder!r} holds no file that ends in {", ".join(suffixes)}')
    return {stem: found[stem] for stem in sorted(found, key=natural_key)}


def _walk(folder: str) -> Iterator[str]:
    """Files of a folder and its subfolders, through links, since large sets are often linked."""
    for parent, _, names in os.walk(folder, followlinks=True):
        yield from (os.path.join(parent, name) for name in names)


def image_size(path: str) -> tuple[int, int]:
    """Width and height from the header, as a decoder shows the image (EXIF orientation applied).

    Raises:
        OSError: the file is missing or no image.
    """
    with Image.open(path) as image:
        width, height = image.size
        sideways = image.getexif().get(EXIF_ORIENTATION) in EXIF_SIDEWAYS
    return (height, width) if sideways else (width, height)


def read_label_ids(path: str) -> np.ndarray:
    """Read a label map as stored: the pixel value is the class id.

    Args:
        path: an 8-bit greyscale or palette image.

    Returns:
        (H, W) uint8 array.

    Raises:
        ValueError: the image is neither.
        OSError: the file is missing, truncated or no image.
    """
    with Image.open(path) as image:
        if image.mode not in ('L', 'P'):
            raise ValueError(
                f'label map {path!r} is stored as {image.mode!r}; expected one 8-bit channel '
                '(Pillow mode "L" or "P") whose pixel value is the class id, as PNG'
            )
        return np.asarray(image)


def label_problem(path: str, num_ids: int) -> str | None:
    """What is wrong with the class ids of one label map; None if nothing is."""
    label = read_label_ids(path)
    wrong = label[(label >= num_ids) & (label != UNKNOWN)]
    if not wrong.size:
        return None
    return (
        f'label map {path!r}: class id {int(wrong[0])} in {wrong.size} pixels; expected ids '
        f'0 to {num_ids - 1}, or {UNKNOWN} for unknown; correct the file, the list of classes '
        'or label_map'
    )


def inspect_sample(sample: dict, num_ids: int, decode: bool) -> None:
    """Refuse a sample that cannot be used.

    Args:
        sample: ``gt_path`` and ``seg_map_path`` (None for an unlabelled image).
        num_ids: ids 0 to ``num_ids - 1`` may occur in a label map, and 255.
        decode: read every pixel; otherwise the headers only.

    Raises:
        CorruptFileError: a file is truncated, damaged or no image.
        ValueError: the files do not fit each other or the classes. Both name the file, what was
            found, what was expected and the remedy.
    """
    path, label_path = sample['gt_path'], sample['seg_map_path']
    size = _inspect_image(path, decode)
    if label_path is None:
        return
    label_size = _inspect_image(label_path, decode)
    if label_size != size:
        raise ValueError(
            f'label map {label_path!r} is {label_size[0]}x{label_size[1]} but its image '
            f'{path!r} is {size[0]}x{size[1]} (width x height); make them equal'
        )
    problem = label_problem(label_path, num_ids) if decode else None
    if problem is not None:
        raise ValueError(problem)


def _inspect_image(path: str, decode: bool) -> tuple[int, int]:
    """Size of a readable image."""
    try:
        problem = _decoding_problem(Path(path).read_bytes()) if decode else None
        size = image_size(path) if problem is None else (0, 0)
    except DECODING_ERRORS as error:
        problem = str(error)
    if problem is not None:
        raise CorruptFileError(
            f'cannot read {path!r} ({problem}); replace the file or take it out of the data set'
        )
    return size


def _decoding_problem(content: bytes) -> str | None:
    problem = image_problem(content)
    if problem is None:
        with Image.open(BytesIO(content)) as image:
            image.load()
    return problem


def _problem(sample: dict, num_ids: int, decode: bool) -> ValueError | None:
    try:
        inspect_sample(sample, num_ids, decode)
    except ValueError as error:
        return error
    return None


def _map_in_threads(
    check: Callable[[dict], ValueError | None], samples: Sequence[dict]
) -> dict[int, ValueError]:
    """Apply a check to every sample; Pillow decodes outside the interpreter lock."""
    with ThreadPoolExecutor(max_workers=min(16, 2 * (os.cpu_count() or 1))) as pool:
        results = tqdm(
            pool.map(check, samples),
            total=len(samples),
            desc='checking data',
            unit='sample',
            disable=len(samples) < PROGRESS_BAR_FROM,
        )
        return {i: problem for i, problem in enumerate(results) if problem is not None}


def choose_check(samples: Sequence[dict]) -> str:
    """The check of ``'auto'``: ``'full'`` up to 256 MB of files, ``'headers'`` above."""
    total = 0
    for sample in samples:
        for path in filter(None, (sample['gt_path'], sample['seg_map_path'])):
            total += os.path.getsize(path)
            if total > FULL_CHECK_BYTES:
                return 'headers'
    return 'full'


def check_samples(
    samples: Sequence[dict], num_ids: int, check: str = 'auto', allow_corrupt: bool = False
) -> dict[int, str]:
    """Refuse a data set with unreadable files, label maps of another size, or ids out of range.

    Args:
        samples: dicts with ``gt_path`` and ``seg_map_path`` (None for an unlabelled image).
        num_ids: ids 0 to ``num_ids - 1`` may occur in a label map, and 255.
        check: ``'full'`` decodes every file; ``'headers'`` reads every header and decodes 64 label
            maps spread over the set; ``'auto'`` is ``'full'`` up to 256 MB of files, otherwise
            ``'headers'``; ``'off'`` checks nothing.
        allow_corrupt: whether samples with a corrupt file are returned instead of refused.

    Returns:
        What is wrong with the samples that were let pass, by their index.

    Raises:
        ValueError: at least one sample is bad; the message shows the first five.
    """
    if check == 'auto':
        check = choose_check(samples)
    if check == 'off':
        return {}
    whole = check == 'full'
    problems = _map_in_threads(partial(_problem, num_ids=num_ids, decode=whole), samples)
    if not whole and (allow_corrupt or not problems):
        readable = [i for i in range(len(samples)) if i not in problems]
        labeled = [i for i in readable if samples[i]['seg_map_path'] is not None]
        spread = labeled[:: max(1, len(labeled) // DECODED_LABELS_OF_HEADER_CHECK)]
        found = _map_in_threads(
            partial(_problem, num_ids=num_ids, decode=True), [samples[i] for i in spread]
        )
        problems |= {spread[position]: problem for position, problem in found.items()}
    corrupt = {i: str(p) for i, p in problems.items() if isinstance(p, CorruptFileError)}
    allowed = corrupt if allow_corrupt else {}
    refused = [str(problem) for i, problem in problems.items() if i not in allowed]
    if refused:
        more = f'\n... and {len(refused) - 5} more' if len(refused) > 5 else ''
        raise ValueError(
            f'{len(refused)} of {len(samples)} samples are unusable:\n'
            + '\n'.join(refused[:5])
            + more
        )
    return allowed
