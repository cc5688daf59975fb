from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope

SCRIPT = Path(__file__).with_name('run_two_ranks.py')
METRICS = [
    {'type': 'PerRound', 'metric': {'type': 'FinitePSNR'}},
    {'type': 'PerRound', 'metric': {'type': 'HoleMAE'}},
    {'type': 'HoleIoU', 'num_classes': 4},
]


def test_two_ranks_report_what_one_does(make_sample, repository, tmp_path):
    result = tmp_path / 'result'
    paths = os.pathsep.join([str(repository), os.environ.get('PYTHONPATH', '')])
    subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / 'rendezvous'), str(result)],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': paths, 'OMP_NUM_THREADS': '1'},
        check=True,
        timeout=180,
    )
    ranks = [json.loads(Path(f'{result}.{rank}').read_text()) for rank in range(2)]
    assert sorted(ranks[0]['indices'] + ranks[1]['indices']) == [0, 0, 1, 2, 3, 4]
    assert ranks[0]['scores'] == ranks[1]['scores']
    with DefaultScope.overwrite_default_scope('mmagic'):
        alone = Evaluator(METRICS)
    expected = alone.offline_evaluate([make_sample(i, labeled=i != 2) for i in range(5)])
    assert ranks[0]['scores'] == pytest.approx(expected, abs=1e-9)
