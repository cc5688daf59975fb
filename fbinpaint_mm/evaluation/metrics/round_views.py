"""Samples and images as metrics take them: one for each feedback round, in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor

from fbinpaint_mm.user_error import UserError

ROUND_IMAGES = 'round_imgs'


def round_views(sample: dict, pred_key: str = 'pred_img') -> list[dict]:
    """One copy of a sample per result that is to be scored.

    Args:
        sample: A sample as dict; nothing of it is changed or copied. Its ``output`` may have
            ``round_imgs``, the (R+1, 3, H, W) images of rounds 0..R.
        pred_key: Field of ``output`` that metrics read the image from.

    Returns:
        The sample with the image of round 0, ..., R as its prediction, then as it is. The last two
        are one where the final image is that of round R, so that it is scored once.
    """
    images = sample['output'].get(ROUND_IMAGES)
    if images is None or len(images) == 0:
        return [sample]
    views = [replace_prediction(sample, pred_key, image) for image in images]
    if is_same_image(images[-1], sample['output'].get(pred_key)):
        return views
    return [*views, sample]


def count_rounds(sample: dict) -> int:
    """Number R+1 of images of rounds; 0 for a model without rounds."""
    images = sample['output'].get(ROUND_IMAGES)
    return 0 if images is None else len(images)


def common_length(groups: Sequence[Sequence], what: str) -> int:
    """The number of rounds that all images of an evaluation have.

    Args:
        groups: Results of the rounds of each image; at least one image.
        what: Word for what there is one of in each round, for the message.

    Returns:
        Length of each group.

    Raises:
        UserError: The lengths differ.
    """
    counts = {len(group) for group in groups}
    if len(counts) > 1:
        raise UserError(
            f'images of one evaluation have different numbers of {what}: {sorted(counts)}; '
            'evaluate with one fixed number of rounds'
        )
    return counts.pop()


def replace_prediction(sample: dict, pred_key: str, image: Tensor) -> dict:
    """The same sample with another prediction; nothing is copied or changed in place."""
    return {**sample, 'output': {**sample['output'], pred_key: image}}


def is_same_image(one: Tensor, other: Tensor | None) -> bool:
    """Whether two images agree in every value, and in shape, type and device."""
    return (
        isinstance(other, Tensor)
        and (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
        and torch.equal(one, other)
    )


def image_chunks(images: Sequence[Tensor], size: int) -> Iterator[list[Tensor]]:
    """Consecutive images, or pairs of them, that may be stacked.

    Args:
        images: Tensors of any shape.
        size: Most tensors in a chunk.

    Yields:
        Up to ``size`` neighbors of the same shape; together all tensors, in order.
    """
    for _, group in groupby(images, key=lambda image: image.shape):
        same = list(group)
        yield from (same[start : start + size] for start in range(0, len(same), size))
