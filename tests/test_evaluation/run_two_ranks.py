"""Evaluate five samples on two gloo processes; started by test_two_ranks.py in a new process.

Usage: run_two_ranks.py RENDEZVOUS_FILE RESULT_FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
import torch.distributed
import torch.multiprocessing
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope

import fbinpaint_mm  # noqa: F401  (registers the metrics)

METRICS = [
    {'type': 'PerRound', 'metric': {'type': 'FinitePSNR'}},
    {'type': 'PerRound', 'metric': {'type': 'HoleMAE'}},
    {'type': 'HoleIoU', 'num_classes': 4},
]


def samples() -> list:
    """Five samples, one unlabelled: an odd number, so that one rank is padded."""
    from conftest import build_sample  # imports mmagic, for which fbinpaint_mm has to come first

    return [build_sample(seed, labeled=seed != 2) for seed in range(5)]


def score(indices: list[int], size: int) -> dict[str, float]:
    """What this rank's evaluator reports after seeing the samples at the indices."""
    data = samples()
    with DefaultScope.overwrite_default_scope('mmagic'):
        evaluator = Evaluator(METRICS)
    for index in indices:
        evaluator.process([data[index]])
    return evaluator.evaluate(size)


def work(rank: int, rendezvous: str, result: str) -> None:
    """One rank: its share as mmengine's sampler deals it, scores written as JSON."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{rendezvous}', rank=rank, world_size=2
    )
    indices = list(DefaultSampler(range(5), shuffle=False, round_up=True))
    scores = score(indices, size=5)
    Path(f'{result}.{rank}').write_text(json.dumps({'indices': indices, 'scores': scores}))
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    torch.multiprocessing.start_processes(work, sys.argv[1:], nprocs=2, start_method='fork')
