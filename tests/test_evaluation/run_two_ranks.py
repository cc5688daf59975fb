"""Evaluate five samples on two gloo processes and on one; started by test_two_ranks.py.

Usage: run_two_ranks.py RENDEZVOUS_FILE RESULT_FILE
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import torch
import torch.distributed
import torch.multiprocessing
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from torch import nn

import fbinpaint_mm  # noqa: F401  (registers the metrics)

BINS = (0.1, 0.2, 0.5)
METRICS = [
    {'type': 'PerRound', 'metric': {'type': 'FinitePSNR'}, 'area_bins': BINS},
    {'type': 'PerRound', 'metric': {'type': 'HoleMAE'}},
    {'type': 'PerRound', 'metric': {'type': 'LPIPS', 'weights': 'none'}, 'area_bins': BINS},
    {'type': 'HoleIoU', 'num_classes': 4, 'area_bins': BINS},
    {'type': 'CorrectionRate', 'num_classes': 4},
]
if importlib.util.find_spec('torchmetrics') and importlib.util.find_spec('torch_fidelity'):
    METRICS.append({'type': 'RoundFID', 'extractor': 'added below'})


class Colors(nn.Module):
    """Mean color of each image: (N, 3, H, W) uint8 -> (N, 3)."""

    def forward(self, images):
        return images.float().mean(dim=(2, 3))


def samples() -> list:
    """Five samples, one unlabeled: an odd number, so that one rank is padded."""
    from conftest import build_sample  # imports mmagic, for which fbinpaint_mm has to come first

    samples = [build_sample(seed, labeled=seed != 2, size=32) for seed in range(5)]
    for seed, sample in enumerate(samples):
        sample.mask[:, : 2 * seed] = 1
    return samples


def score(indices: list[int], size: int) -> tuple[dict[str, float], list[int], list | None]:
    """What this rank's evaluator reports after seeing the samples at the indices.

    Returns:
        The scores, for each metric the number of its series, and the counts by class.
    """
    data = samples()
    configs = [{**one, 'extractor': Colors()} if 'extractor' in one else one for one in METRICS]
    with DefaultScope.overwrite_default_scope('mmagic'):
        evaluator = Evaluator(configs)
    for index in indices:
        evaluator.process([data[index]])
    scores = evaluator.evaluate(size)
    counts = next(one.class_counts for one in evaluator.metrics if hasattr(one, 'class_counts'))
    counts = None if counts is None else counts.tolist()
    return scores, [len(metric.series) for metric in evaluator.metrics], counts


def write(path: str, indices: list[int]) -> None:
    """The scores after seeing the samples at the indices, as JSON."""
    scores, series, counts = score(indices, size=5)
    found = {'indices': indices, 'scores': scores, 'series': series, 'class_counts': counts}
    Path(path).write_text(json.dumps(found))


def work(rank: int, rendezvous: str, result: str) -> None:
    """One rank: its share as mmengine's sampler deals it."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{rendezvous}', rank=rank, world_size=2
    )
    write(f'{result}.{rank}', list(DefaultSampler(range(5), shuffle=False, round_up=True)))
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    torch.multiprocessing.start_processes(work, sys.argv[1:], nprocs=2, start_method='fork')
    write(f'{sys.argv[2]}.alone', list(range(5)))
