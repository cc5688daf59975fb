"""Batches of bounded size out of a list of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from torch import Tensor


def image_chunks(images: Sequence[Tensor], size: int) -> Iterator[list[Tensor]]:
    """Consecutive images, or pairs of them, that may be stacked.

    Args:
        images: Tensors of any shape.
        size: Most tensors in a chunk.

    Yields:
        Up to ``size`` neighbours of the same shape; together all tensors, in order.
    """
    for _, group in groupby(images, key=lambda image: image.shape):
        same = list(group)
        yield from (same[start : start + size] for start in range(0, len(same), size))
