"""A sample as the model hands it to the metrics."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from mmagic.structures import DataSample

from fbinpaint_mm.evaluation.metrics import sample_wise_metric


def build_sample(
    seed: int = 0,
    rounds: int = 2,
    num_classes: int = 4,
    size: int = 24,
    labeled: bool = True,
    with_rounds: bool = True,
) -> DataSample:
    """Images of rounds 0..R that come closer to the truth, and noisy maps."""
    generator = torch.Generator().manual_seed(seed)
    gt_img = torch.randint(0, 256, (3, size, size), generator=generator, dtype=torch.uint8)
    mask = torch.zeros(1, size, size)
    mask[:, 4:14, 6:20] = 1
    noise = torch.randn(3, size, size, generator=generator) * 40
    images = [gt_img + noise * mask / (1 + r) for r in range(rounds + 1)]
    images = torch.stack(images).clamp(0, 255)
    gt_seg = torch.randint(0, num_classes, (1, size, size), generator=generator)
    wrong = torch.randint(0, num_classes, (rounds, size, size), generator=generator)
    keep = torch.rand(rounds, size, size, generator=generator) < 0.5
    output = DataSample(pred_img=images[-1])
    if with_rounds:
        output.round_imgs = images
        output.round_segs = torch.where(keep, gt_seg, wrong)
        output.round_confidences = torch.rand(rounds + 1, 1, size, size, generator=generator)
        raw = torch.randint(0, num_classes, (rounds, size, size), generator=generator)
        keep = torch.rand(rounds, size, size, generator=generator) < 0.4
        output.round_raw_segs = torch.where(keep, gt_seg, raw)
    return DataSample(
        gt_img=gt_img,
        mask=mask,
        gt_seg=gt_seg if labeled else torch.full_like(gt_seg, 255),
        output=output,
        metainfo={'gt_path': f'images/{seed:05d}.png', 'is_labeled': labeled},
    )


@pytest.fixture(scope='session')
def make_sample() -> Callable[..., DataSample]:
    """The function that builds a sample."""
    return build_sample


@pytest.fixture
def log(monkeypatch) -> Callable[[], str]:
    """What the metrics of a test have logged, as text."""
    lines: list[str] = []
    monkeypatch.setattr(sample_wise_metric, 'print_log', lambda text, **_: lines.append(text))
    return lambda: '\n'.join(lines)
