"""Numbers that tell images apart."""

from __future__ import annotations

from zlib import crc32

import torch
from mmagic.structures import DataSample
from torch import Tensor

from fbinpaint_mm.models.feedback import NO_KEY


def image_keys_of(data_samples: DataSample, device: torch.device) -> Tensor:
    """A number for every image of a batch, the same whenever it is read.

    Args:
        data_samples: Stacked sample with or without ``gt_path`` in its metainfo, a list of text.
        device: Of the result.

    Returns:
        (N,) int64 of 0 or more, by the file's path; -1 for images without one.
    """
    count = len(data_samples.mask)
    paths = data_samples.get('gt_path') or [None] * count
    keys = [NO_KEY if path is None else crc32(str(path).encode()) for path in paths]
    return torch.tensor(keys, device=device)
