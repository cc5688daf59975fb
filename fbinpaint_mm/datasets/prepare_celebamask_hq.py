"""From the CelebAMask-HQ download to the folders that its data set reads."""

from __future__ import annotations

import io
from bisect import bisect
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.contrib.concurrent import process_map

from fbinpaint_mm.datasets import CelebAMaskHQInpaintingDataset
from fbinpaint_mm.datasets.file_checks import is_whole_image, open_image
from fbinpaint_mm.datasets.image_lists import list_files
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import write_file

# The order of the classes is that of the data set's own script: a later part is painted over an
# earlier one. The first class is the background.
PARTS = CelebAMaskHQInpaintingDataset.METAINFO['classes'][1:]
IMAGE_FOLDER = 'CelebA-HQ-img'
MASK_FOLDER = 'CelebAMask-HQ-mask-anno'
MAPPING = 'CelebA-HQ-to-CelebA-mapping.txt'
IMAGES_PER_MASK_FOLDER = 2000
SPLITS = ('train', 'val', 'test')
# First image of val and of test in list_eval_partition.txt of CelebA, counted from 0.
OFFICIAL_STARTS = (162770, 182637)
JPEG_QUALITY = 95


def prepare_celebamask_hq(
    download: Path,
    output: Path,
    size: int = 256,
    num_images: int = 30000,
    num_val: int | None = None,
    num_workers: int = 1,
    split: str = 'last',
) -> int:
    """Prepares a whole download.

    Args:
        download: Folder of the unpacked download.
        output: Folder to write to. Files of an earlier run with another size are made again.
        size: Side of the written files in pixels.
        num_images: Faces expected in the download.
        num_val: Faces at the end that become ``val``, 1000 by default; for the split ``'last'``.
        num_workers: Processes.
        split: ``'last'``: ``train`` and, at the end, ``val``. ``'official'``: ``train``, ``val``
            and ``test`` of CelebA (24,183, 2,993 and 2,824 faces).

    Returns:
        Number of faces written; those that were finished before are not counted.

    Raises:
        FileNotFoundError: A folder, an image or all masks of a face are missing.
        UserError: A file is unreadable, ``num_val`` leaves no training image, or ``output`` has
            faces of an earlier run that belong elsewhere now.
    """
    if size < 1:
        raise UserError(f'size={size}: expected a side of 1 pixel or more')
    download = find_download(download)
    if split == 'official':
        if num_val is not None:
            raise UserError('num_val is for the split "last" only; the official one is fixed')
        splits = official_splits(download, num_images)
    else:
        splits = last_splits(num_images, 1000 if num_val is None else num_val)
    check_images(download, num_images)
    check_output(output, splits)
    prepare = partial(prepare_face, download=download, output=output, size=size)
    return sum(
        process_map(
            prepare,
            range(num_images),
            splits,
            max_workers=max(1, num_workers),
            chunksize=16,
            desc='preparing faces',
            unit='face',
        )
    )


def last_splits(num_images: int, num_val: int) -> list[str]:
    """Split of every face where the last ones are ``val``.

    Args:
        num_images: Number of all faces.
        num_val: Number of the last ones.

    Raises:
        UserError: One of the two splits is empty.
    """
    if not 0 < num_val < num_images:
        raise UserError(f'num_val={num_val}: expected more than 0 and less than {num_images}')
    return ['train'] * (num_images - num_val) + ['val'] * num_val


def official_splits(download: Path, num_images: int) -> list[str]:
    """Split of every face by that of the CelebA image that it was made from.

    Args:
        download: Folder found by `find_download`, with ``CelebA-HQ-to-CelebA-mapping.txt``: a
            header, and lines such as ``0  119613  119614.jpg``, where the second number counts the
            images of CelebA from 0.
        num_images: Number of faces.

    Raises:
        FileNotFoundError: The file is missing.
        UserError: It does not name every face once, in order.
    """
    path = download / MAPPING
    rows = [line.split() for line in path.read_text(encoding='utf-8').splitlines()]
    rows = [row for row in rows if len(row) == 3 and row[0].isdecimal() and row[1].isdecimal()]
    if [int(row[0]) for row in rows[:num_images]] != list(range(num_images)):
        raise UserError(
            f'{str(path)!r} names {len(rows)} faces; expected a line "idx orig_idx orig_file" for '
            f'each of the faces 0 to {num_images - 1}, in order; download it again'
        )
    return [SPLITS[bisect(OFFICIAL_STARTS, int(row[1]))] for row in rows[:num_images]]


def find_download(folder: Path) -> Path:
    """Finds the download in a folder or in its ``CelebAMask-HQ`` subfolder.

    Args:
        folder: Where to look.

    Returns:
        The folder that holds the image and the mask folder.

    Raises:
        FileNotFoundError: Neither does.
    """
    for candidate in (folder, folder / 'CelebAMask-HQ'):
        if (candidate / IMAGE_FOLDER).is_dir() and (candidate / MASK_FOLDER).is_dir():
            return candidate
    raise FileNotFoundError(
        f'{str(folder)!r} holds no {IMAGE_FOLDER} and {MASK_FOLDER}; give the folder that '
        'CelebAMask-HQ.zip was unpacked to'
    )


def check_images(download: Path, num_images: int) -> None:
    """Makes sure that the images 0 to ``num_images - 1`` are there.

    Args:
        download: Folder found by `find_download`.
        num_images: Their number.

    Raises:
        FileNotFoundError: Some are missing; the message counts them and names the first.
    """
    missing = [i for i in range(num_images) if not image_path(download, i).is_file()]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {num_images} images are missing, the first: '
            f'{str(image_path(download, missing[0]))!r}; complete the download, or set '
            '--num-images if you want only the first ones'
        )


def check_output(output: Path, splits: Sequence[str]) -> None:
    """Refuses a folder with faces of an earlier run that had another split or more faces.

    Args:
        output: Folder to write to.
        splits: Split of every face.

    Raises:
        UserError: A face would be in two splits, or in one that it does not belong to.
    """
    folders = [output / kind / split for kind in ('images', 'annotations') for split in SPLITS]
    for folder in filter(Path.is_dir, folders):
        for path in map(Path, list_files(str(folder), ('.jpg', '.png'))):
            index = int(path.stem) if path.stem.isdecimal() else None
            if index is not None and splits[index : index + 1] != [folder.name]:
                raise UserError(
                    f'{str(path)!r} is of an earlier run with another split or number of faces, '
                    'and would stay in the data; remove that folder, or give another one'
                )


def image_path(download: Path, index: int) -> Path:
    """The photograph of one face."""
    return download / IMAGE_FOLDER / f'{index}.jpg'


def part_path(download: Path, index: int, part: str) -> Path:
    """The mask of one part of one face; absent where the part is."""
    folder = download / MASK_FOLDER / str(index // IMAGES_PER_MASK_FOLDER)
    return folder / f'{index:05d}_{part}.png'


def prepare_face(index: int, split: str, download: Path, output: Path, size: int) -> bool:
    """Writes image and label map of one face, unless both are there, whole and of that size.

    Args:
        index: Number of the face.
        split: Its split, the name of the folder.
        download: Folder found by `find_download`.
        output: Folder of the prepared layout.
        size: Side of the written files in pixels.

    Returns:
        Whether anything was written.

    Raises:
        FileNotFoundError: The face has no mask at all.
        UserError: A file of the download is unreadable.
    """
    image_file = output / 'images' / split / f'{index:05d}.jpg'
    label_file = output / 'annotations' / split / f'{index:05d}.png'
    if all(is_whole_image(path, (size, size)) for path in (image_file, label_file)):
        return False
    label, side = merge_parts(download, index), (size, size)
    photograph = open_image(str(image_path(download, index)))[0].convert('RGB')
    _write(image_file, photograph.resize(side, Image.Resampling.LANCZOS), quality=JPEG_QUALITY)
    _write(label_file, label.resize(side, Image.Resampling.NEAREST))
    return True


def merge_parts(download: Path, index: int) -> Image.Image:
    """Paints the part masks of one face into one label map.

    Args:
        download: Folder found by `find_download`.
        index: Number of the face.

    Returns:
        8-bit gray image at the masks' size (512x512); a pixel is a class id: 0 background, then
        the position in ``PARTS`` plus one.

    Raises:
        FileNotFoundError: The face has no mask at all.
        UserError: A mask is unreadable or differs in size from the others.
    """
    label: np.ndarray | None = None
    for class_id, part in enumerate(PARTS, start=1):
        path = part_path(download, index, part)
        if not path.is_file():
            continue
        mask, _ = open_image(str(path))
        inside = np.asarray(mask.convert('L')) > 0
        if label is None:
            label = np.zeros(inside.shape, np.uint8)
        if label.shape != inside.shape:
            raise UserError(
                f'{str(path)!r} is {inside.shape[1]}x{inside.shape[0]} but the other masks of this '
                f'face are {label.shape[1]}x{label.shape[0]}; download the mask again'
            )
        label[inside] = class_id
    if label is None:
        raise FileNotFoundError(
            f'face {index} has no part mask: expected such as '
            f'{str(part_path(download, index, PARTS[0]))!r}; complete the download'
        )
    return Image.fromarray(label)


def _write(path: Path, image: Image.Image, **options: int) -> None:
    """The whole file or none, so that an interrupted run continues with it."""
    buffer = io.BytesIO()
    image.save(buffer, Image.registered_extensions()[path.suffix], **options)
    write_file(path, buffer.getvalue())
