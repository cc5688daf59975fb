"""Numbers that tell images apart."""

from __future__ import annotations

from pathlib import PurePath
from zlib import crc32

import torch
from mmagic.structures import DataSample
from torch import Tensor

from fbinpaint_mm.models.feedback import NO_KEY, PART_KEY


def image_keys_of(data_samples: DataSample, device: torch.device) -> Tensor:
    """A number for every image of a batch, the same in every run.

    It is made of the file's name and that of its folder, so that it stays when a data set moves.
    Of 30,000 images a few may share one, and then share a place in a :class:`LayoutMemory`.

    Args:
        data_samples: Stacked sample. In its metainfo, lists with one entry for each image, or
            nothing: ``gt_path``, text, and ``is_part``, whether it is a part of a larger image.
        device: Of the result.

    Returns:
        (N,) int64 of 0 or more; -1 for images without a path, -2 for parts.
    """
    count = len(data_samples.mask)
    paths = data_samples.get('gt_path') or [None] * count
    parts = data_samples.get('is_part') or [False] * count
    keys = [
        PART_KEY if is_part else NO_KEY if path is None else _key(path)
        for path, is_part in zip(paths, parts, strict=True)
    ]
    return torch.tensor(keys, device=device)


def _key(path: str) -> int:
    return crc32('/'.join(PurePath(path).parts[-2:]).encode())
