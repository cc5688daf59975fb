"""One image with a hole, made from nothing, to time models on any size without any data."""

from __future__ import annotations

import torch
from mmagic.structures import DataSample

from fbinpaint_mm.benchmark.data.pairs import HOLE_COLOUR


def make_synthetic_batch(size: int) -> dict[str, list]:
    """A batch of one square image of noise; the middle half of each side is hole.

    Args:
        size: Height and width in pixels.

    Returns:
        A batch as a data loader collates it: ``inputs``, one (3, H, W) float32 image in 0..255 with
        a grey hole; ``data_samples``, one with ``gt_img`` (3, H, W) uint8 BGR and ``mask``
        (1, H, W) uint8, 1 in the hole.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (3, size, size), generator=generator, dtype=torch.uint8)
    mask = torch.zeros(1, size, size, dtype=torch.uint8)
    inside = slice(size // 4, size - size // 4)
    mask[:, inside, inside] = 1
    sample = DataSample(gt_img=image, mask=mask)
    sample.set_metainfo(dict(gt_path=f'noise_{size}.png', sample_idx=0))
    return dict(inputs=[image.float().masked_fill(mask.bool(), HOLE_COLOUR)], data_samples=[sample])
