"""Prepare the CelebAMask-HQ download for training.

Reads ``CelebA-HQ-img/0.jpg ... 29999.jpg`` and the per-part masks
``CelebAMask-HQ-mask-anno/{0..14}/00000_skin.png``; writes, at the chosen size,
``images/{train,val}/00000.jpg`` and ``annotations/{train,val}/00000.png``, whose pixels are class
ids 0 to 18. The first 29,000 images in CelebA-HQ order are ``train``, the last 1,000 are ``val``,
the test set. Interrupted runs continue where they stopped.

Example:
    python tools/prepare_celebamask_hq.py downloads/CelebAMask-HQ data/celebamask_hq --size 256
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

# Order of the data set's own script: a later part is painted over an earlier one.
PARTS = (
    'skin',
    'nose',
    'eye_g',
    'l_eye',
    'r_eye',
    'l_brow',
    'r_brow',
    'l_ear',
    'r_ear',
    'mouth',
    'u_lip',
    'l_lip',
    'hair',
    'hat',
    'ear_r',
    'neck_l',
    'neck',
    'cloth',
)
IMAGE_FOLDER = 'CelebA-HQ-img'
MASK_FOLDER = 'CelebAMask-HQ-mask-anno'
IMAGES_PER_MASK_FOLDER = 2000
JPEG_QUALITY = 95


def find_download(folder: str | Path) -> Path:
    """Find the download in a folder or in its ``CelebAMask-HQ`` subfolder.

    Raises:
        FileNotFoundError: neither holds the image and the mask folder.
    """
    folder = Path(folder)
    for candidate in (folder, folder / 'CelebAMask-HQ'):
        if (candidate / IMAGE_FOLDER).is_dir() and (candidate / MASK_FOLDER).is_dir():
            return candidate
    raise FileNotFoundError(
        f'{str(folder)!r} holds no {IMAGE_FOLDER} and {MASK_FOLDER}; give the folder that '
        'CelebAMask-HQ.zip was unpacked to'
    )


def check_images(download: Path, num_images: int) -> None:
    """Make sure that the images 0 to ``num_images - 1`` are there.

    Raises:
        FileNotFoundError: some are missing; the message counts them and names the first.
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


def merge_parts(download: Path, index: int) -> Image.Image:
    """Paint the part masks of one face into one label map.

    Args:
        download: folder found by :func:`find_download`.
        index: number of the face.

    Returns:
        8-bit greyscale image at the masks' size (512x512); a pixel is a class id: 0 background,
        then the position in ``PARTS`` plus one.

    Raises:
        FileNotFoundError: the face has no mask at all.
        ValueError: a mask is unreadable or differs in size from the others.
    """
    label = None
    for class_id, part in enumerate(PARTS, start=1):
        path = part_path(download, index, part)
        if not path.is_file():
            continue
        with _open(path) as image:
            inside = np.asarray(image.convert('L')) > 0
        if label is None:
            label = np.zeros(inside.shape, np.uint8)
        if label.shape != inside.shape:
            raise ValueError(
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


def prepare_face(index: int, download: Path, output: Path, size: int, num_train: int) -> bool:
    """Write image and label map of one face, unless both are there.

    Args:
        index: number of the face.
        download: folder found by :func:`find_download`.
        output: folder of the prepared layout.
        size: side of the written files in pixels.
        num_train: faces below this number are ``train``, the others ``val``.

    Returns:
        Whether anything was written.

    Raises:
        ValueError: a file of the download is unreadable.
    """
    split = 'train' if index < num_train else 'val'
    image_file = output / 'images' / split / f'{index:05d}.jpg'
    label_file = output / 'annotations' / split / f'{index:05d}.png'
    if image_file.is_file() and label_file.is_file():
        return False
    with _open(image_path(download, index)) as image:
        photograph = image.convert('RGB').resize((size, size), Image.Resampling.LANCZOS)
    label = merge_parts(download, index).resize((size, size), Image.Resampling.NEAREST)
    _save(photograph, image_file, quality=JPEG_QUALITY)
    _save(label, label_file)
    return True


def prepare(
    download: str | Path,
    output: str | Path,
    size: int = 256,
    num_images: int = 30000,
    num_val: int = 1000,
    num_workers: int = 1,
) -> int:
    """Prepare a whole download.

    Args:
        download: folder of the unpacked download.
        output: folder to write to.
        size: side of the written files in pixels.
        num_images: faces expected in the download.
        num_val: faces at the end that become ``val``.
        num_workers: processes.

    Returns:
        Number of faces written; those that were finished before are not counted.

    Raises:
        FileNotFoundError: a folder, an image or all masks of a face are missing.
        ValueError: a file is unreadable, or ``num_val`` leaves no training image.
    """
    if not 0 < num_val < num_images:
        raise ValueError(f'num_val={num_val}: expected more than 0 and less than {num_images}')
    download, output = find_download(download), Path(output)
    check_images(download, num_images)
    for kind in ('images', 'annotations'):
        for split in ('train', 'val'):
            (output / kind / split).mkdir(parents=True, exist_ok=True)
    task = partial(
        prepare_face,
        download=download,
        output=output,
        size=size,
        num_train=num_images - num_val,
    )
    done = _run(task, range(num_images), num_workers)
    return sum(tqdm(done, total=num_images, desc='preparing faces', unit='face'))


def _run(task: partial, indices: Iterable[int], num_workers: int) -> Iterator[bool]:
    """Results in order, from this process or from several."""
    if num_workers <= 1:
        yield from map(task, indices)
        return
    with ProcessPoolExecutor(num_workers) as pool:
        yield from pool.map(task, indices, chunksize=16)


def _open(path: Path) -> Image.Image:
    """A fully decoded image; one error for every way a file can be broken."""
    try:
        image = Image.open(path)
        image.load()
    except (OSError, SyntaxError) as error:
        raise ValueError(f'cannot read {str(path)!r} ({error}); download it again') from error
    return image


def _save(image: Image.Image, path: Path, **options: int) -> None:
    """Write and rename, so that an interrupted run leaves no half-written file behind."""
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}{path.suffix}')
    image.save(temporary, **options)
    os.replace(temporary, path)


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('download', help='folder that CelebAMask-HQ.zip was unpacked to')
    parser.add_argument('output', help='folder to write to, such as data/celebamask_hq')
    parser.add_argument('--size', type=int, default=256, help='side in pixels (default 256)')
    parser.add_argument('--num-images', type=int, default=30000, help='default 30000')
    parser.add_argument('--num-val', type=int, default=1000, help='last images, default 1000')
    parser.add_argument('--num-workers', type=int, default=os.cpu_count() or 1, help='processes')
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    args = parse_args(arguments)
    written = prepare(
        args.download, args.output, args.size, args.num_images, args.num_val, args.num_workers
    )
    print(f'{written} faces written, {args.num_images - written} were there; in {args.output}')


if __name__ == '__main__':
    main()
