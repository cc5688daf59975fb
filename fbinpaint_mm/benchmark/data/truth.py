"""What a model is compared with: the image and the hole of a sample."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from mmagic.structures import DataSample
from torch import Tensor

from fbinpaint_mm.evaluation.metrics.sample_wise_metric import sample_name


def truth_of(sample: DataSample) -> dict[str, Any]:
    """All fields of a sample, copied, with its image in BGR.

    Raises:
        ValueError: It has no ``gt_img`` or no ``mask``.
    """
    truth = deepcopy(sample).to_dict()
    missing = [key for key in ('gt_img', 'mask') if key not in truth]
    if missing:
        raise ValueError(
            f'{sample_name(truth)}: the sample has no {" and no ".join(missing)}; the benchmark '
            'needs both, pack them with PackInputs or PackSemanticInputs'
        )
    if str(truth.get('gt_channel_order', 'BGR')).upper() == 'RGB':
        truth.update(gt_img=truth['gt_img'].flip(0), gt_channel_order='BGR')
    return truth


def update_digest(digest: Any, truth: dict[str, Any]) -> None:
    """Add size and pixels of an image, its hole and its label map to a hash of ``hashlib``."""
    label_map = [truth['gt_seg']] if 'gt_seg' in truth else []
    for pixels in (truth['gt_img'].float().round(), truth['mask'] != 0, *label_map):
        digest.update(repr(tuple(pixels.shape)).encode())
        digest.update(as_bytes(pixels))


def as_bytes(pixels: Tensor) -> bytes:
    """The pixels row by row, one byte each."""
    return pixels.to(torch.uint8).contiguous().cpu().numpy().tobytes()
