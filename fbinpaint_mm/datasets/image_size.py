"""The size of images in a config: one side, or height and width."""

from __future__ import annotations

from collections.abc import Sequence

from fbinpaint_mm.user_error import UserError


def checked_size(image_size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width in pixels.

    Args:
        image_size: Side of a square, or (height, width).

    Returns:
        (height, width).

    Raises:
        UserError: It is neither, or a side is not a whole number above 0.
    """
    sides = [image_size] * 2 if isinstance(image_size, int) else image_size
    is_pair = isinstance(sides, (list, tuple)) and len(sides) == 2
    if not is_pair or not all(isinstance(side, int) and side > 0 for side in sides):
        raise UserError(
            f'image_size: found {image_size!r}, expected a side or (height, width) in pixels'
        )
    height, width = sides
    return height, width


def size_of_sample(own: tuple[int, int] | None, results: dict, owner: str) -> tuple[int, int]:
    """The size that a transform makes a sample.

    Args:
        own: Of the transform; ``None`` for that of the data set.
        results: Sample, with the data set's ``image_size`` if that has one.
        owner: Name of the transform, for the message.

    Raises:
        UserError: Neither of them has a size.
    """
    size = own or results.get('image_size')
    if size is None:
        raise UserError(f'{owner} needs image_size; set it in the data set or in the transform')
    return checked_size(size)
