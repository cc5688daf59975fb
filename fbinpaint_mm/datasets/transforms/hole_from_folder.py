"""Holes from the user's own mask images."""

from __future__ import annotations

import logging
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from mmagic.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from fbinpaint_mm.datasets.image_lists import list_files, walk_folders
from fbinpaint_mm.datasets.partly_labeled_dataset import name_with_hole
from fbinpaint_mm.mask import hole_of
from fbinpaint_mm.picture import read_mask
from fbinpaint_mm.picture_file import SUFFIXES
from fbinpaint_mm.user_error import UserError

_PAIRINGS = ('random', 'index', 'stem')


@TRANSFORMS.register_module()
class HoleFromFolder(BaseTransform):
    """Take the hole from a folder of mask images, resized (nearest) to the image.

    A mask is read as everywhere, see :func:`fbinpaint_mm.mask.hole_of`; one warning tells of levels
    between black and white, as JPEG leaves them. At construction the folder is checked and one log
    line says how the masks are read.

    Required keys: ``gt`` (H,W,3); ``sample_idx`` for pairing 'index'; ``gt_path`` for 'stem'.
    Optional key: ``hole_index`` k of several holes of one image: with 'index' mask ``i + k``, with
    'stem' the mask with ``_hole<k>`` behind the stem (none for k = 0).
    Added key: ``mask`` (H,W,1) uint8, 1 = hole.

    Args:
        folder: Folder of mask images; subfolders are searched too.
        pairing: 'random': a random mask for every image (training). 'index': sample ``i`` gets mask
            ``i`` of the sorted list, starting over where there are fewer masks than images.
            'stem': the mask named like the image, whatever its suffix, in the folder of masks or in
            a subfolder named like that of the image.
        hole_value: 'white': 255 is the hole. 'black': 0 is the hole.
        max_mean_area: Largest plausible mean hole area (fraction) of the masks; more looks like the
            wrong ``hole_value``.
        num_checked: Masks read for the checks, evenly spread over the sorted list.

    Raises:
        FileNotFoundError: The folder is missing or holds no image.
        UserError: No mask is usable, the mean hole area looks like the wrong polarity, two masks
            have one stem, or an option has an unknown value.
    """

    def __init__(
        self,
        folder: str,
        pairing: str = 'random',
        hole_value: str = 'white',
        max_mean_area: float = 0.6,
        num_checked: int = 64,
    ) -> None:
        if pairing not in _PAIRINGS:
            raise UserError(f'pairing is {pairing!r}; expected one of {_PAIRINGS}.')
        if hole_value not in ('white', 'black'):
            raise UserError(f"hole_value is {hole_value!r}; expected 'white' or 'black'.")
        self.folder = str(folder)
        self.pairing = pairing
        self.hole_value = hole_value
        self._warned_about_gray = False
        self.paths = self._list_masks()
        self._by_stem = self._name_masks() if pairing == 'stem' else {}
        self._check_masks(num_checked, max_mean_area)

    def transform(self, results: dict) -> dict:
        """Add ``mask``; see the class for the keys.

        Raises:
            FileNotFoundError: Pairing 'stem' and no mask named like the image.
            UserError: The mask cannot be read or has no hole.
        """
        height, width = results['gt'].shape[:2]
        mask = self._read(self._choose(results))
        results['mask'] = _resized(mask, (width, height))[..., None]
        return results

    def _list_masks(self) -> list[Path]:
        folder = Path(self.folder)
        if not folder.is_dir():
            raise FileNotFoundError(
                f'Mask folder {folder} does not exist. Correct the folder of HoleFromFolder.'
            )
        listed = (list_files(parent, SUFFIXES) for parent in walk_folders(str(folder)))
        paths = sorted(map(Path, chain.from_iterable(listed)))
        if not paths:
            raise FileNotFoundError(
                f'Mask folder {folder} holds no image; expected files ending in '
                f'{", ".join(SUFFIXES)}.'
            )
        return paths

    def _name_masks(self) -> dict[str, Path]:
        """Masks by their path in the folder, without suffix."""
        named: dict[str, Path] = {}
        for path in self.paths:
            stem = path.relative_to(self.folder).with_suffix('').as_posix()
            if stem in named:
                raise UserError(f'Masks {named[stem]} and {path} share one stem; remove one.')
            named[stem] = path
        return named

    def _check_masks(self, num_checked: int, max_mean_area: float) -> None:
        """Refuse a folder without usable masks or with a suspicious polarity; log the reading."""
        count = min(max(num_checked, 1), len(self.paths))
        checked = [self.paths[i * len(self.paths) // count] for i in range(count)]
        masks = [mask for mask in map(self._read_if_usable, checked) if mask is not None]
        if not masks:
            raise UserError(
                f'Mask folder {self.folder} has no usable mask: each of the {count} files that '
                f'were checked (first: {checked[0]}) is unreadable, has no hole or is all hole. '
                f'Expected images in which {self.hole_value} marks the hole.'
            )
        mean_area = float(np.mean([mask.mean() for mask in masks]))
        reading = f'{self.hole_value} = hole, mean hole area {mean_area:.0%}'
        if mean_area > max_mean_area:
            other = 'black' if self.hole_value == 'white' else 'white'
            raise UserError(
                f'Masks of {self.folder} are read as {reading}, which is more than '
                f'{max_mean_area:.0%} and looks inverted. Set hole_value={other!r} to flip them, '
                'or raise max_mean_area if the holes are that large.'
            )
        print_log(
            f'HoleFromFolder: {len(self.paths)} masks from {self.folder}, pairing '
            f'{self.pairing!r}, {reading} ({len(masks)} of {count} checked masks usable).',
            logger='current',
        )

    def _choose(self, results: dict) -> Path:
        hole_index = results.get('hole_index', 0)
        if self.pairing == 'random':
            return self.paths[np.random.randint(len(self.paths))]
        if self.pairing == 'index':
            return self.paths[(int(results['sample_idx']) + hole_index) % len(self.paths)]
        return self._mask_named_like(name_with_hole(results['gt_path'], hole_index))

    def _mask_named_like(self, image: str) -> Path:
        """The mask whose path in the folder is the end of the image's path, the longest one."""
        parts = Path(image).with_suffix('').parts
        for start in range(len(parts)):
            if path := self._by_stem.get('/'.join(parts[start:])):
                return path
        others = sorted(str(path) for path in self.paths if path.stem == parts[-1])
        elsewhere = f'; {others[0]} is in another subfolder than the image' if others else ''
        raise FileNotFoundError(
            f'Mask folder {self.folder} has no mask named {parts[-1]}.* for the image {image}'
            f"{elsewhere}. Add it, or use pairing='index'."
        )

    def _read(self, path: Path) -> np.ndarray:
        """(H,W) uint8 mask, 1 = hole."""
        pixels = read_mask(path)
        hole = hole_of(pixels)
        if hole.all() or not hole.any():
            raise UserError(
                f'Mask {path} cannot be used: it is all {"white" if hole.all() else "black"}. '
                f'Expected an image in which {self.hole_value} marks the hole; remove or replace '
                'the file.'
            )
        self._warn_about_gray(path, pixels)
        return (hole if self.hole_value == 'white' else ~hole).astype(np.uint8)

    def _read_if_usable(self, path: Path) -> np.ndarray | None:
        try:
            return self._read(path)
        except (OSError, UserError):
            return None

    def _warn_about_gray(self, path: Path, pixels: np.ndarray) -> None:
        if self._warned_about_gray or np.isin(pixels, (0, 1, 255, 65535)).all():
            return
        self._warned_about_gray = True
        print_log(
            f'Mask {path} is not binary (for example an anti-aliased or JPEG mask); it and others '
            'like it are cut at half of white.',
            logger='current',
            level=logging.WARNING,
        )

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(folder={self.folder!r}, pairing={self.pairing!r}, '
            f'hole_value={self.hole_value!r})'
        )


def _resized(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest resize to (width, height); a hole too thin to survive it is kept by its coverage."""
    resized = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
    if resized.any():
        return resized
    covered = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return (covered > 0).astype(mask.dtype)
