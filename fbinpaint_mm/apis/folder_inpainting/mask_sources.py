"""Where the hole of a picture comes from: a file, its alpha, a color, or drawn at random.

Each takes the job, which names the files, and the upright picture; and gives an (H, W) bool array,
True in the hole. What else it needs is set with ``functools.partial``.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Callable

import cv2
import numpy as np

from fbinpaint_mm.apis.folder_inpainting.job_list import Job
from fbinpaint_mm.apis.hole_and_map import read_hole
from fbinpaint_mm.datasets.stable_random import StableRandom
from fbinpaint_mm.datasets.transforms.hole_drawing import draw_hole
from fbinpaint_mm.picture import TO_8_BIT, Picture, has_alpha
from fbinpaint_mm.user_error import UserError

MaskSource = Callable[[Job, Picture], np.ndarray]

# Share of boxes among the shapes; drawn anew for every picture where it is None.
KINDS = dict(irregular=0.0, box=1.0, mixed=None)


def mask_from_file(job: Job, picture: Picture) -> np.ndarray:
    """The mask is the file that the job names; ``read_hole`` says what is a hole in it."""
    assert job.mask is not None, 'jobs with masks in files name them'
    return read_hole(job.mask, picture)


def mask_from_alpha(job: Job, picture: Picture) -> np.ndarray:
    """The hole is what is not fully opaque, as an eraser leaves it.

    Half-transparent pixels belong to it: an eraser has a soft edge, and they would stay
    half-transparent otherwise.

    Raises:
        UserError: The picture has no alpha channel.
    """
    pixels = picture.pixels
    if not has_alpha(pixels):
        raise UserError('has no alpha channel to take the hole from')
    return pixels[..., -1] < np.iinfo(pixels.dtype).max


def mask_from_color(
    job: Job, picture: Picture, color: tuple[int, int, int], tolerance: int = 0
) -> np.ndarray:
    """The hole is where the picture has a color.

    Args:
        job: Is not looked at.
        picture: The picture.
        color: Red, green and blue in 0..255.
        tolerance: Largest difference in each of the three that still counts, in 0..255. A picture
            that was stored as JPEG needs some, and dilation at the edge of the hole.
    """
    scale = TO_8_BIT[picture.pixels.dtype]
    planes = picture.pixels.reshape(*picture.size, -1)
    hole = np.ones(picture.size, bool)
    for channel, value in enumerate(color):  # one by one, for the memory
        plane = planes[..., channel if planes.shape[-1] >= 3 else 0]
        low, high = ((value + sign * tolerance) * scale for sign in (-1, 1))
        hole &= (plane >= low) & (plane <= high)
    return hole


def generated_mask(
    job: Job,
    picture: Picture,
    kind: str = 'mixed',
    seed: int = 0,
    area: tuple[float, float] = (0.1, 0.4),
) -> np.ndarray:
    """The hole is drawn, as a function of the seed, the file's name and the picture's size.

    The name is that of the file, without folders and suffix, so that a picture has the same hole in
    every run, on every machine and in every format.

    Args:
        job: Names the file.
        picture: The picture.
        kind: ``'irregular'`` for strokes, ``'box'`` for boxes, ``'mixed'`` for either or both.
        seed: Of all holes, 0 or more.
        area: Range of the hole's share of the picture, 0 < low < high <= 1.
    """
    # File systems store an accented letter as one or as two characters.
    name = unicodedata.normalize('NFC', job.image.stem)
    number = int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:8], 'big')
    return draw_hole(StableRandom(seed, number), *picture.size, area, KINDS[kind]).astype(bool)


def dilated(hole: np.ndarray, radius: int) -> np.ndarray:
    """An (H, W) bool hole, enlarged by so many pixels in all directions."""
    if not radius:
        return hole
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(hole.astype(np.uint8), disc) > 0
