"""The pictures of a benchmark as files."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import cv2
import mmcv
import numpy as np
from torch import Tensor

from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import write_file

INPUT, TRUTH = 'input', 'truth'
HOLE_COLOR = 127.5
SIGNATURE, RECORD = 'run.txt', 'pictures.txt'


class PictureFiles:
    """``FOLDER/<entry>/<stem of the sample>.png``, 8-bit color.

    ``run.txt`` beside them holds the fingerprint of the run that all of them are from, and
    ``pictures.txt`` their names: no other file is removed or replaced.

    Samples get their file names in the order in which they are first asked for; of two with one
    stem, the second gets a number.

    Args:
        folder: Made when the first picture is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stems: dict[str, str] = {}

    def path(self, entry: str, sample: str) -> Path:
        """File of one picture.

        Args:
            entry: Name of an entry, ``'input'`` or ``'truth'``.
            sample: Name of the sample, such as the path of its image.
        """
        if sample not in self._stems:
            self._stems[sample] = unused(Path(sample).stem, self._stems.values())
        return self.folder / entry / f'{self._stems[sample]}.png'

    def save(self, entry: str, sample: str, image: Tensor) -> None:
        """Write one picture.

        Args:
            entry: Name of an entry, ``'input'`` or ``'truth'``.
            sample: Name of the sample.
            image: (3, H, W) in 0..255 BGR; rounded to integers.

        Raises:
            OSError: The disk is full or refuses.
        """
        path = self.path(entry, sample)
        path.parent.mkdir(parents=True, exist_ok=True)
        with (path.parent / RECORD).open('ab') as record:
            record.write(os.fsencode(f'{path.name}\n'))
        write_png(to_pixels(image), path)

    def load(self, entry: str, sample: str) -> np.ndarray:
        """Read one picture.

        Args:
            entry: Name of an entry, ``'input'`` or ``'truth'``.
            sample: Name of the sample.

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            FileNotFoundError: It was not saved.
        """
        path = self.path(entry, sample)
        if not path.is_file():
            raise FileNotFoundError(
                f'no picture of {sample!r} by {entry!r}: {path} is missing; run the benchmark '
                'again with the same --out'
            )
        return mmcv.imread(str(path), channel_order='rgb')

    def check(self, entry: str) -> None:
        """Make sure that there is nothing in the place of the pictures but those of earlier runs.

        Args:
            entry: Name of an entry, ``'input'`` or ``'truth'``.

        Raises:
            UserError: Other pictures lie there, or links lead elsewhere.
        """
        for folder in (self.folder, self.folder / entry):
            if folder.is_symlink():
                raise UserError(
                    f'{folder} is a link, and pictures where it leads might be replaced: remove it '
                    'or choose another --out'
                )
        pictures, own = (self.folder / entry).glob('*.png'), self._recorded(entry)
        other = next((path for path in pictures if path.name not in own), None)
        if other is not None:
            raise UserError(
                f'{other}: no benchmark made this picture, and it might be replaced: move it, or '
                'choose another --out'
            )

    def clear(self, entry: str) -> None:
        """Remove the pictures of an earlier run; those of fewer images would leave some behind.

        Raises:
            UserError: See ``check``.
        """
        self.check(entry)
        folder = self.folder / entry
        (folder / SIGNATURE).unlink(missing_ok=True)
        for picture in folder.glob('*.png'):
            picture.unlink()
        (folder / RECORD).unlink(missing_ok=True)

    def _recorded(self, entry: str) -> set[str]:
        """Names of the pictures that were saved, or were to be when the process was killed."""
        record = self.folder / entry / RECORD
        return set(os.fsdecode(record.read_bytes()).split('\n')) if record.is_file() else set()

    def sign(self, entry: str, fingerprint: str) -> None:
        """Say which run all pictures of an entry are from, once they are all there."""
        write_file(self.folder / entry / SIGNATURE, fingerprint.encode())

    def are_of(self, entry: str, fingerprint: str) -> bool:
        """Whether all pictures of an entry are there, and from that run."""
        signature = self.folder / entry / SIGNATURE
        return signature.is_file() and signature.read_text() == fingerprint


def picture_name(sample: str) -> str:
    """Name of the file that another method gives for a sample, and gets its hole and input in.

    Args:
        sample: Name of the sample, such as the path of its image.
    """
    return f'{Path(sample).stem}.png'


def masked_image(image: Tensor, hole: Tensor) -> Tensor:
    """What a method may see: a (3, H, W) image in 0..255, float, mid gray in its (1, H, W) hole."""
    return image.float().masked_fill(hole != 0, HOLE_COLOR)


def to_pixels(image: Tensor) -> np.ndarray:
    """(3, H, W) in 0..255 BGR, rounded, as (H, W, 3) uint8 RGB."""
    pixels = image.detach().float().round().clamp(0, 255).byte().flip(0).permute(1, 2, 0)
    return pixels.cpu().numpy()


def write_png(image: np.ndarray, path: Path) -> Path:
    """Write a picture in one step, whole or not at all.

    Args:
        image: (H, W) gray or (H, W, 3) RGB, uint8.
        path: Where to write.

    Returns:
        The path.

    Raises:
        OSError: The disk is full or refuses.
    """
    return write_file(path, encode_png(image))


def encode_png(image: np.ndarray) -> bytes:
    """The file of an (H, W) gray or (H, W, 3) RGB picture, uint8."""
    _, content = cv2.imencode('.png', image[..., ::-1] if image.ndim == 3 else image)
    return content.tobytes()


def unused(stem: str, taken: Collection[str]) -> str:
    """The stem, with a number behind it if it is taken."""
    candidate, number = stem, 1
    while candidate in taken:
        number += 1
        candidate = f'{stem}_{number}'
    return candidate
