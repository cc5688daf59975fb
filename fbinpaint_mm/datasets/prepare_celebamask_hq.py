"""From the CelebAMask-HQ download to the folders that its data set reads."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.contrib.concurrent import process_map

from fbinpaint_mm.datasets import CelebAMaskHQInpaintingDataset
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import write_file

# The order of the classes is that of the data set's own script: a later part is painted over an
# earlier one. The first class is the background.
PARTS = CelebAMaskHQInpaintingDataset.METAINFO['classes'][1:]
IMAGE_FOLDER = 'CelebA-HQ-img'
MASK_FOLDER = 'CelebAMask-HQ-mask-anno'
IMAGES_PER_MASK_FOLDER = 2000
JPEG_QUALITY = 95


def prepare_celebamask_hq(
    download: Path,
    output: Path,
    size: int = 256,
    num_images: int = 30000,
    num_val: int = 1000,
    num_workers: int = 1,
) -> int:
    """Prepares a whole download.

    Args:
        download: Folder of the unpacked download.
        output: Folder to write to.
        size: Side of the written files in pixels.
        num_images: Faces expected in the download.
        num_val: Faces at the end that become ``val``.
        num_workers: Processes.

    Returns:
        Number of faces written; those that were finished before are not counted.

    Raises:
        FileNotFoundError: A folder, an image or all masks of a face are missing.
        UserError: A file is unreadable, or ``num_val`` leaves no training image.
    """
    if not 0 < num_val < num_images:
        raise UserError(f'num_val={num_val}: expected more than 0 and less than {num_images}')
    download = find_download(download)
    check_images(download, num_images)
    num_train = num_images - num_val
    prepare = partial(
        prepare_face, download=download, output=output, size=size, num_train=num_train
    )
    return sum(
        process_map(
            prepare,
            range(num_images),
            max_workers=max(1, num_workers),
            chunksize=16,
            desc='preparing faces',
            unit='face',
        )
    )


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


def image_path(download: Path, index: int) -> Path:
    """The photograph of one face."""
    return download / IMAGE_FOLDER / f'{index}.jpg'


def part_path(download: Path, index: int, part: str) -> Path:
    """The mask of one part of one face; absent where the part is."""
    folder = download / MASK_FOLDER / str(index // IMAGES_PER_MASK_FOLDER)
    return folder / f'{index:05d}_{part}.png'


def prepare_face(index: int, download: Path, output: Path, size: int, num_train: int) -> bool:
    """Writes image and label map of one face, unless both are there.

    Args:
        index: Number of the face.
        download: Folder found by `find_download`.
        output: Folder of the prepared layout.
        size: Side of the written files in pixels.
        num_train: Faces below this number are ``train``, the others ``val``.

    Returns:
        Whether anything was written.

    Raises:
        FileNotFoundError: The face has no mask at all.
        UserError: A file of the download is unreadable.
    """
    split = 'train' if index < num_train else 'val'
    image_file = output / 'images' / split / f'{index:05d}.jpg'
    label_file = output / 'annotations' / split / f'{index:05d}.png'
    if image_file.is_file() and label_file.is_file():
        return False
    photograph = _read(image_path(download, index)).convert('RGB')
    label = merge_parts(download, index)
    side = (size, size)
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
        inside = np.asarray(_read(path).convert('L')) > 0
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


def _read(path: Path) -> Image.Image:
    """A fully decoded image; one error for every way a file can be broken."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError) as error:
        raise UserError(f'cannot read {str(path)!r} ({error}); download it again') from error
    return image


def _write(path: Path, image: Image.Image, **options: int) -> None:
    """The whole file or none, so that an interrupted run continues with it."""
    buffer = io.BytesIO()
    image.save(buffer, Image.registered_extensions()[path.suffix], **options)
    write_file(path, buffer.getvalue())
