from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name('run_two_ranks.py')


@pytest.fixture(scope='module')
def reports(repository, tmp_path_factory):
    """What rank 0, rank 1 and a single process found on the same five samples."""
    folder = tmp_path_factory.mktemp('ranks')
    paths = os.pathsep.join([str(repository), os.environ.get('PYTHONPATH', '')])
    subprocess.run(
        [sys.executable, str(SCRIPT), str(folder / 'rendezvous'), str(folder / 'result')],
        cwd=folder,
        env={**os.environ, 'PYTHONPATH': paths, 'OMP_NUM_THREADS': '1'},
        check=True,
        timeout=180,
    )
    return [json.loads((folder / f'result.{one}').read_text()) for one in (0, 1, 'alone')]


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
    assert first[:5] == [4, 4, 4, 6, 6]
    assert not any(second)


def test_the_main_process_has_the_counts_of_every_class(reports):
    first, second, alone = (report['class_counts'] for report in reports)
    assert first == alone
    assert second is None
    assert alone[0][0][1][0] > 0
