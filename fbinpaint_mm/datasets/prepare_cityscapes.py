"""From the label ids of the Cityscapes download to the train ids that its data set reads."""

from __future__ import annotations

import io
import os
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.contrib.concurrent import process_map

from fbinpaint_mm.datasets.file_checks import is_whole_image, open_image
from fbinpaint_mm.datasets.image_lists import list_files, walk_folders
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import write_file

UNKNOWN = 255
NUM_LABEL_IDS = 34
# Label ids of the 19 evaluated classes, in the order of their train ids (cityscapesScripts).
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
SPLITS = ('train', 'val')
IMAGE_END = '_leftImg8bit.png'
LABEL_END = '_gtFine_labelIds.png'
TRAIN_END = '_gtFine_labelTrainIds.png'


def prepare_cityscapes(root: Path, num_workers: int = 1) -> int:
    """Prepares a whole download.

    Args:
        root: Folder with ``leftImg8bit`` and ``gtFine``.
        num_workers: Processes.

    Returns:
        Number of files written; those that were there before are not counted.

    Raises:
        FileNotFoundError: A folder or a label file is missing.
        UserError: A label file is unreadable or holds other ids.
    """
    return sum(
        process_map(
            prepare_label,
            label_files(root),
            max_workers=max(1, num_workers),
            chunksize=8,
            desc='preparing labels',
            unit='file',
        )
    )


def label_files(root: Path) -> list[Path]:
    """Label id file of every training and validation image.

    Args:
        root: Folder with ``leftImg8bit`` and ``gtFine``.

    Returns:
        The files; one whose train ids are there may be missing.

    Raises:
        FileNotFoundError: A folder or a label file is missing, or a split has no image.
    """
    files = []
    for split in SPLITS:
        folder = root / 'leftImg8bit' / split
        cities = walk_folders(str(folder)) if folder.is_dir() else ()
        images = sorted(chain.from_iterable(list_files(city, (IMAGE_END,)) for city in cities))
        if not images:
            raise FileNotFoundError(
                f'{str(folder)!r} holds no <city>/*{IMAGE_END}; unpack '
                'leftImg8bit_trainvaltest.zip there'
            )
        labels = root / 'gtFine' / split
        names = [os.path.relpath(image, folder) for image in images]
        files += [labels / name.replace(IMAGE_END, LABEL_END) for name in names]
    missing = [path for path in files if not path.is_file() and not _train_file(path).is_file()]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(files)} images have no label file, the first: '
            f'{str(missing[0])!r}; unpack gtFine_trainvaltest.zip beside leftImg8bit'
        )
    return files


def prepare_label(path: Path) -> bool:
    """Writes the train ids of one label file, unless they are there, whole and of its size.

    Args:
        path: The label ids.

    Returns:
        Whether the file was written.

    Raises:
        UserError: The label file is missing, unreadable or holds other ids, or its train ids are
            damaged and cannot be made again.
    """
    output = _train_file(path)
    if _is_finished(output, path):
        return False
    label, _ = open_image(str(path))
    buffer = io.BytesIO()
    Image.fromarray(to_train_ids(np.asarray(label), str(path))).save(buffer, 'PNG')
    write_file(output, buffer.getvalue())
    return True


def _is_finished(output: Path, label_file: Path) -> bool:
    if not output.is_file():
        return False
    if not label_file.is_file():  # some copies of the data set come with train ids alone
        open_image(str(output))
        return True
    return is_whole_image(output, open_image(str(label_file), decode=False)[1])


def to_train_ids(label: np.ndarray, path: str = 'label map') -> np.ndarray:
    """Converts label ids to train ids.

    Args:
        label: (H, W) ids 0 to 33.
        path: Named in the error message.

    Returns:
        (H, W) uint8 train ids 0 to 18, 255 where the class is not evaluated.

    Raises:
        UserError: An id is out of range.
    """
    if label.ndim != 2 or label.max() >= NUM_LABEL_IDS:
        raise UserError(
            f'{path!r} holds {label.max()} in an array of shape {label.shape}; expected one '
            f'channel of label ids 0 to {NUM_LABEL_IDS - 1}; is it really a {LABEL_END} file?'
        )
    table = np.full(NUM_LABEL_IDS, UNKNOWN, np.uint8)
    table[list(LABEL_IDS)] = np.arange(len(LABEL_IDS))
    return table[label]


def _train_file(label_file: Path) -> Path:
    return label_file.with_name(label_file.name.replace(LABEL_END, TRAIN_END))
