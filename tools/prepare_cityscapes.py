"""Make the training label maps of Cityscapes where they are missing.

Keeps the layout of the download, ``leftImg8bit/<split>/<city>`` and ``gtFine/<split>/<city>``, and
writes ``*_gtFine_labelTrainIds.png`` (19 classes, 255 = unknown) beside ``*_gtFine_labelIds.png``
(34 ids) for ``train`` and ``val``. Interrupted runs continue where they stopped.

Example:
    python tools/prepare_cityscapes.py data/cityscapes
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

UNKNOWN = 255
NUM_LABEL_IDS = 34
# Label ids of the 19 evaluated classes, in the order of their train ids (cityscapesScripts).
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
SPLITS = ('train', 'val')
IMAGE_END = '_leftImg8bit.png'
LABEL_END = '_gtFine_labelIds.png'
TRAIN_END = '_gtFine_labelTrainIds.png'


def to_train_ids(label: np.ndarray, path: str = 'label map') -> np.ndarray:
    """Convert label ids to train ids.

    Args:
        label: (H, W) ids 0 to 33.
        path: named in the error message.

    Returns:
        (H, W) uint8 train ids 0 to 18, 255 where the class is not evaluated.

    Raises:
        ValueError: an id is out of range.
    """
    if label.ndim != 2 or label.max() >= NUM_LABEL_IDS:
        raise ValueError(
            f'{path!r} holds {label.max()} in an array of shape {label.shape}; expected one '
            f'channel of label ids 0 to {NUM_LABEL_IDS - 1}; is it really a {LABEL_END} file?'
        )
    table = np.full(NUM_LABEL_IDS, UNKNOWN, np.uint8)
    table[list(LABEL_IDS)] = np.arange(len(LABEL_IDS))
    return table[label]


def label_files(root: str | Path) -> list[Path]:
    """Label id file of every training and validation image.

    Args:
        root: folder with ``leftImg8bit`` and ``gtFine``.

    Raises:
        FileNotFoundError: a folder or a label file is missing, or a split has no image.
    """
    root = Path(root)
    files = []
    for split in SPLITS:
        images = sorted((root / 'leftImg8bit' / split).glob(f'*/*{IMAGE_END}'))
        if not images:
            raise FileNotFoundError(
                f'{str(root / "leftImg8bit" / split)!r} holds no <city>/*{IMAGE_END}; unpack '
                'leftImg8bit_trainvaltest.zip there'
            )
        files += [_label_file(root, split, image) for image in images]
    missing = [path for path in files if not path.is_file() and not _train_file(path).is_file()]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(files)} images have no label file, the first: '
            f'{str(missing[0])!r}; unpack gtFine_trainvaltest.zip beside leftImg8bit'
        )
    return files


def prepare_label(path: Path) -> bool:
    """Write the train ids of one label file, unless they are there.

    Returns:
        Whether the file was written.

    Raises:
        ValueError: the label file is unreadable or holds other ids.
    """
    output = _train_file(path)
    if output.is_file():
        return False
    try:
        with Image.open(path) as image:
            label = np.asarray(image)
    except (OSError, SyntaxError) as error:
        raise ValueError(f'cannot read {str(path)!r} ({error}); unpack it again') from error
    # Written and renamed, so that an interrupted run leaves no half-written file behind.
    temporary = output.with_name(f'.{output.stem}.{os.getpid()}.png')
    Image.fromarray(to_train_ids(label, str(path))).save(temporary)
    os.replace(temporary, output)
    return True


def prepare(root: str | Path, num_workers: int = 1) -> int:
    """Prepare a whole download.

    Args:
        root: folder with ``leftImg8bit`` and ``gtFine``.
        num_workers: processes.

    Returns:
        Number of files written; those that were there before are not counted.

    Raises:
        FileNotFoundError: a folder or a label file is missing.
        ValueError: a label file is unreadable or holds other ids.
    """
    files = label_files(root)
    done = _run(files, num_workers)
    return sum(tqdm(done, total=len(files), desc='preparing labels', unit='file'))


def _run(files: Iterable[Path], num_workers: int) -> Iterator[bool]:
    """Results in order, from this process or from several."""
    if num_workers <= 1:
        yield from map(prepare_label, files)
        return
    with ProcessPoolExecutor(num_workers) as pool:
        yield from pool.map(prepare_label, files, chunksize=8)


def _label_file(root: Path, split: str, image: Path) -> Path:
    stem = image.name[: -len(IMAGE_END)]
    return root / 'gtFine' / split / image.parent.name / (stem + LABEL_END)


def _train_file(label_file: Path) -> Path:
    return label_file.with_name(label_file.name[: -len(LABEL_END)] + TRAIN_END)


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('root', help='folder with leftImg8bit and gtFine')
    parser.add_argument('--num-workers', type=int, default=os.cpu_count() or 1, help='processes')
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    args = parse_args(arguments)
    written = prepare(args.root, args.num_workers)
    print(f'{written} label maps written; the others were there')


if __name__ == '__main__':
    main()
