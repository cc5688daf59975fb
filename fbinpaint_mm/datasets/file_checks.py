"""Tells whole image and label files from damaged ones, and checks a data set before training."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from fbinpaint_mm.picture_file import SIDEWAYS, open_picture, orientation_of, turn_upright
from fbinpaint_mm.user_error import UserError

UNKNOWN = 255
CHECKS = ('auto', 'full', 'headers', 'off')
# Decoding runs at some 20 to 50 MB per second and core: 'auto' stays below about ten seconds.
FULL_CHECK_BYTES = 256 * 2**20
PROGRESS_BAR_FROM = 500
CHUNK = 16  # samples
DECODED_LABELS_OF_HEADER_CHECK = 64
# Markers of JPEG (ITU-T T.81, B.1.1); the last one does not occur inside its coded pixels.
JPEG_START, JPEG_SCAN, JPEG_END = b'\xff\xd8', b'\xda', b'\xff\xd9'
JPEG_MARKER = re.compile(rb'\xff+([^\x00\xff])')  # any number of \xff may fill up before it
# Pillow's `verify` reads their lengths, and of PNG every checksum.
VERIFIED_FORMATS = ('PNG', 'WEBP')


class CorruptFileError(UserError):
    """A file is truncated, damaged or no image at all.

    It can be raised again from its message alone, as torch does with errors of worker processes.

    Args:
        message: Names the file and says what is wrong.
    """


def image_problem(content: bytes) -> str | None:
    """What is wrong with an image file; None if nothing is.

    Decoders differ in what they let pass: OpenCV 4 fills the missing part of a JPEG with gray and
    merely warns, Pillow takes a missing part that is filled with zeros for pixels. Therefore a JPEG
    must have its end marker behind the start of its pixels. Damage in the middle of a JPEG goes
    unseen: the format has no checksums, and decoders merely warn of it, if they notice. PNG, the
    format of label maps, is compared with its checksums. Other formats are decoded by Pillow.

    Args:
        content: The bytes of the file.

    Returns:
        A few words without the file's name.
    """
    if not content:
        return 'the file is empty'
    is_jpeg = content.startswith(JPEG_START)
    if is_jpeg and not _jpeg_ends(content):
        return 'the JPEG is truncated, its end marker is missing'
    try:
        with open_picture(BytesIO(content), 'it') as image:
            if image.format in VERIFIED_FORMATS:
                image.verify()
            elif not is_jpeg:
                image.load()
    except UserError as error:
        return str(error)
    return None


def _jpeg_ends(content: bytes) -> bool:
    """Whether an end marker follows the pixels of the JPEG itself.

    A thumbnail in front of them, and a film that a camera has appended, have markers of their own.
    """
    at = len(JPEG_START)
    while (marker := JPEG_MARKER.search(content, at)) and marker[1] != JPEG_SCAN:
        length = content[marker.end() : marker.end() + 2]
        at = marker.end() + int.from_bytes(length, 'big')
    return marker is not None and JPEG_END in content[marker.end() :]


def open_image(path: str, decode: bool = True) -> tuple[Image.Image, tuple[int, int]]:
    """Open an image file with Pillow.

    Args:
        path: The file.
        decode: Read every pixel; otherwise the header only.

    Returns:
        The image as stored (with ``decode`` its pixels too), and its width and height when upright.

    Raises:
        CorruptFileError: The file is missing, truncated, damaged or no image.
    """
    try:
        content = Path(path).read_bytes() if decode else b''
        problem = image_problem(content) if decode else None
        if problem is None:
            with open_picture(BytesIO(content) if decode else path, 'it') as image:
                if decode:
                    image.load()
                is_sideways = orientation_of(image) in SIDEWAYS
                return image, image.size[::-1] if is_sideways else image.size
    except (OSError, UserError) as error:
        problem = str(error)
    raise CorruptFileError(
        f'cannot read {path!r} ({problem}); replace the file or take it out of the data set'
    )


def is_whole_image(path: Path, size: tuple[int, int]) -> bool:
    """Whether a file is there, is not damaged as far as :func:`image_problem` sees, and has a size.

    Args:
        path: The file.
        size: Width and height in pixels.
    """
    return (
        path.is_file()
        and image_problem(path.read_bytes()) is None
        and open_image(str(path), decode=False)[1] == size
    )


def read_label_ids(path: str) -> np.ndarray:
    """Read a label map: the pixel value is the class id.

    Args:
        path: An 8-bit grayscale or palette image.

    Returns:
        (H, W) uint8 array, upright.

    Raises:
        CorruptFileError: The file is missing, truncated, damaged or no image.
        UserError: The image is of another kind.
    """
    # Pillow, not OpenCV, which turns the ids of a palette PNG into colors.
    image, _ = open_image(path)
    if image.mode not in ('L', 'P'):
        raise UserError(
            f'label map {path!r} is stored as {image.mode!r}; expected one 8-bit channel '
            '(Pillow mode "L" or "P") whose pixel value is the class id, as PNG'
        )
    return turn_upright(np.array(image), orientation_of(image))


def check_label_ids(ids: np.ndarray, path: str, num_ids: int, unknown: int = UNKNOWN) -> None:
    """Refuse class ids that are out of range.

    Args:
        ids: (H, W) uint8 class ids.
        path: Where they come from.
        num_ids: Ids 0 to ``num_ids - 1`` may occur.
        unknown: A further id that may occur.

    Raises:
        UserError: There are others; names the file and the first of them.
    """
    wrong = ids[(ids >= num_ids) & (ids != unknown)]
    if wrong.size:
        raise UserError(
            f'label map {path!r}: class id {int(wrong[0])} in {wrong.size} pixels; expected ids '
            f'0 to {num_ids - 1}, or {unknown} for unknown; correct the file, the list of classes '
            'or label_map'
        )


def inspect_sample(sample: dict, num_ids: int, decode: bool) -> None:
    """Refuse a sample that cannot be used.

    Args:
        sample: ``gt_path`` and ``seg_map_path`` (None for an unlabeled image).
        num_ids: ids 0 to ``num_ids - 1`` may occur in a label map, and 255.
        decode: read every pixel; otherwise the headers only.

    Raises:
        CorruptFileError: a file is truncated, damaged or no image.
        UserError: the files do not fit each other or the classes. Both name the file, what was
            found, what was expected and the remedy.
    """
    path, label_path = sample['gt_path'], sample['seg_map_path']
    _, size = open_image(path, decode)
    if label_path is None:
        return
    ids = read_label_ids(label_path) if decode else None
    label_size = open_image(label_path, decode)[1] if ids is None else ids.shape[::-1]
    if label_size != size:
        raise UserError(
            f'label map {label_path!r} is {label_size[0]}x{label_size[1]} but its image '
            f'{path!r} is {size[0]}x{size[1]} (width x height); make them equal'
        )
    if ids is not None:
        check_label_ids(ids, label_path, num_ids)


def _problem(sample: dict, num_ids: int, decode: bool) -> UserError | None:
    try:
        inspect_sample(sample, num_ids, decode)
    except UserError as error:
        return error
    return None


def _map_in_threads(
    check: Callable[[dict], UserError | None], samples: Sequence[dict]
) -> dict[int, UserError]:
    """Apply a check to every sample; Pillow decodes outside the interpreter lock.

    In chunks, since reading one header takes less than handing over one sample does.
    """
    with ThreadPool(min(16, os.cpu_count() or 1)) as pool:
        results = tqdm(
            pool.imap(check, samples, chunksize=CHUNK),
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
            # The check names files that are missing, such as the targets of links.
            total += os.path.getsize(path) if os.path.exists(path) else 0
            if total > FULL_CHECK_BYTES:
                return 'headers'
    return 'full'


def check_samples(
    samples: Sequence[dict], num_ids: int, check: str = 'auto', allow_corrupt: bool = False
) -> dict[int, str]:
    """Refuse a data set with unreadable files, label maps of another size, or ids out of range.

    Args:
        samples: dicts with ``gt_path`` and ``seg_map_path`` (None for an unlabeled image).
        num_ids: ids 0 to ``num_ids - 1`` may occur in a label map, and 255.
        check: ``'full'`` decodes every file; ``'headers'`` reads every header and decodes 64 label
            maps spread over the set; ``'auto'`` is ``'full'`` up to 256 MB of files, otherwise
            ``'headers'``; ``'off'`` checks nothing.
        allow_corrupt: whether samples with a corrupt file are returned instead of refused.

    Returns:
        What is wrong with the samples that were let pass, by their index.

    Raises:
        UserError: at least one sample is bad; the message shows the first five.
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
        raise UserError(
            f'{len(refused)} of {len(samples)} samples are unusable:\n'
            + '\n'.join(refused[:5])
            + more
        )
    return allowed
