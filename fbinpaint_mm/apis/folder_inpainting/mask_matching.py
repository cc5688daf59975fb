"""Which mask of a folder belongs to which picture, by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from fbinpaint_mm.apis.folder_inpainting.image_search import list_images

MASK_ENDING = re.compile(r'[ _.-]mask\d*$', re.IGNORECASE)


def match_masks(images: Mapping[Path, str], folder: Path) -> dict[Path, Path | None]:
    """Find the mask of every picture.

    The mask of ``street/a.jpg`` is ``street/a.*`` in the folder of masks, else
    ``street/a_mask.*`` (also ``a-mask``, ``a.mask``, ``a_mask001``), else one of these directly in
    the folder of masks. Pictures and masks may share a folder: a picture is a mask only by its
    ``_mask``, and what is the mask of another one is no picture to inpaint.

    Args:
        images: Name of every picture, from ``find_images``.
        folder: Folder of masks; its subfolders are searched.

    Returns:
        The mask of every picture that is not itself a mask, ``None`` where there is none.

    Raises:
        ValueError: A picture has several masks.
    """
    masks = _MaskNames(folder, pictures={path.resolve() for path in images})
    found = {path: masks.find(path, PurePosixPath(name)) for path, name in images.items()}
    used = {mask.resolve() for mask in found.values() if mask is not None}
    return {path: mask for path, mask in found.items() if path.resolve() not in used}


class _MaskNames:
    """The files of a folder of masks by the names of the pictures that they could belong to."""

    def __init__(self, folder: Path, pictures: set[Path]) -> None:
        self.exact, self.ending = defaultdict(list), defaultdict(list)
        for path in list_images(folder, recursive=True):
            parent = PurePosixPath(path.relative_to(folder).as_posix()).parent
            if path.resolve() not in pictures:
                self.exact[parent / path.stem].append(path)
            if MASK_ENDING.search(path.stem):
                self.ending[parent / MASK_ENDING.sub('', path.stem)].append(path)

    def find(self, image: Path, name: PurePosixPath) -> Path | None:
        for key in (name.with_suffix(''), PurePosixPath(name.stem)):
            for masks in (self.exact, self.ending):
                if len(masks.get(key, ())) > 1:
                    listed = ', '.join(map(str, masks[key]))
                    raise ValueError(f'image {image} has several masks: {listed}; keep one')
                if key in masks:
                    return masks[key][0]
        return None
