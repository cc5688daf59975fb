"""Five samples on two gloo processes and on one."""

from __future__ import annotations

import importlib.util
import json

import pytest
import torch
import torch.multiprocessing
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from torch import nn

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


def report(samples, indices):
    """What a rank finds after seeing the samples at the indices."""
    configs = [{**one, 'extractor': Colors()} if 'extractor' in one else one for one in METRICS]
    with DefaultScope.overwrite_default_scope('mmagic'):
        evaluator = Evaluator(configs)
    for index in indices:
        evaluator.process([samples[index]])
    scores = evaluator.evaluate(size=5)
    counts = next(one.class_counts for one in evaluator.metrics if hasattr(one, 'class_counts'))
    return {
        'indices': indices,
        'scores': scores,
        'series': [len(metric.series) for metric in evaluator.metrics],
        'class_counts': None if counts is None else counts.tolist(),
    }


def work(rank, folder, samples):
    """One rank: its share as mmengine's sampler deals it."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2
    )
    indices = list(DefaultSampler(range(5), shuffle=False, round_up=True))
    (folder / f'{rank}.json').write_text(json.dumps(report(samples, indices)))
    torch.distributed.destroy_process_group()


@pytest.fixture(scope='module')
def reports(make_sample, tmp_path_factory):
    """What rank 0, rank 1 and a single process find on five samples, one of them unlabeled.

    An odd number, so that one rank is padded.
    """
    folder = tmp_path_factory.mktemp('ranks')
    samples = [make_sample(seed, labeled=seed != 2, size=32) for seed in range(5)]
    for seed, sample in enumerate(samples):
        sample.mask[:, : 2 * seed] = 1
    torch.multiprocessing.start_processes(work, (folder, samples), nprocs=2, start_method='fork')
    ranks = [json.loads((folder / f'{rank}.json').read_text()) for rank in range(2)]
    return [*ranks, report(samples, list(range(5)))]


def test_two_ranks_report_what_one_does(reports):
    first, second, alone = reports
    assert sorted(first['indices'] + second['indices']) == [0, 0, 1, 2, 3, 4]
    assert first['scores'] == second['scores']
    assert first['scores'] == pytest.approx(alone['scores'], abs=1e-9)
    for name in ('PSNR', 'MAE_hole', 'LPIPS', 'mIoU_hole'):
        assert name in alone['scores']
        assert f'round1/{name}' in alone['scores']


def test_every_image_counts_once(reports):
    scores = reports[0]['scores']
    for name in ('round0/PSNR', 'LPIPS'):
        assert scores[f'{name}_count'] == 5
        assert scores[f'{name}_10-20_count'] + scores[f'{name}_20-50_count'] == 5
        assert scores[f'{name}_20-50_count'] > 0
        assert scores[f'{name}_std'] > 0
    assert scores['mIoU_hole_count'] == 4, 'one of five is unlabeled'


def test_distance_of_sets_needs_no_second_rank(reports):
    if 'FID' not in reports[2]['scores']:
        pytest.skip('torchmetrics and torch-fidelity are not installed: no RoundFID')
    assert reports[0]['scores']['round0/FID'] > 0


def test_the_main_process_keeps_the_series(reports):
    first, second, alone = (report['series'] for report in reports)
    assert first == alone
    assert first[:5] == [4, 4, 4, 9, 6]
    assert not any(second)


def test_the_main_process_has_the_counts_of_every_class(reports):
    first, second, alone = (report['class_counts'] for report in reports)
    assert first == alone
    assert second is None
    assert alone[0][0][1][0] > 0
