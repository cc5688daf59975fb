"""Reads an image, and refuses one that is not whole."""

from __future__ import annotations

import numpy as np
from mmagic.datasets.transforms import LoadImageFromFile
from mmagic.registry import TRANSFORMS
from mmengine.fileio import get

from fbinpaint_mm.datasets.corrupt_file_error import CorruptFileError
from fbinpaint_mm.datasets.image_problem import image_problem


@TRANSFORMS.register_module()
class LoadWholeImage(LoadImageFromFile):
    """mmagic's ``LoadImageFromFile``, with the same arguments and pixels, that names a bad file.

    The file is read once; :func:`image_problem` looks at its bytes before it is decoded.

    Raises:
        CorruptFileError: The file is truncated, damaged or no image.
        FileNotFoundError: It is not there.
    """

    def _load_image(self, filename: str) -> np.ndarray:
        if self.use_cache and filename in self.cache:
            return super()._load_image(filename)
        content = get(filename, backend_args=self.backend_args)
        problem = image_problem(content)
        if problem is not None:
            raise CorruptFileError(f'Image {filename} cannot be read ({problem}).')
        # The parent takes bytes that are in its cache for the file's.
        self.cache[filename] = content
        try:
            image = super()._load_image(filename)
        finally:
            if not self.use_cache:
                del self.cache[filename]
        if image is None:
            raise CorruptFileError(f'Image {filename} cannot be decoded by OpenCV.')
        return image
