"""Two processes with half of the batch each must learn what one with the whole batch learns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name('run_two_ranks.py')


@pytest.fixture(scope='module')
def found(repository, tmp_path_factory):
    """State, moving average and scores of rank 0, of rank 1 and of a single process."""
    folder = tmp_path_factory.mktemp('ranks')
    paths = os.pathsep.join([str(repository), os.environ.get('PYTHONPATH', '')])
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(repository), str(folder)],
        cwd=folder,
        env={**os.environ, 'PYTHONPATH': paths, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    names = ('rank0', 'rank1', 'alone')
    return [torch.load(folder / f'{name}.pth', weights_only=False) for name in names]


@pytest.mark.parametrize('kind', ['group_norm', 'batch_norm'])
@pytest.mark.parametrize('what', ['state', 'ema'])
def test_ranks_agree_in_every_bit(found, kind, what):
    """Networks, batch statistics, discriminator, class memory, teacher and EMAHook's average."""
    first, second = (one[kind][what] for one in found[:2])
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


@pytest.mark.parametrize('what', ['state', 'ema'])
def test_ranks_learn_what_one_process_learns(found, what):
    """With holes and labeled areas that differ between ranks, and without batch statistics."""
    first, _, alone = (one['group_norm'][what] for one in found)
    assert first.keys() == alone.keys()
    for name, value in alone.items():
        torch.testing.assert_close(first[name], value, rtol=1e-4, atol=2e-6, msg=name)
    parts = ('memory.updates', 'teacher.segmentor', 'disc.', 'generator.guided')
    assert all(any(part in name for name in alone) for part in parts)


def test_ranks_score_what_one_process_scores(found):
    first, second, alone = (one['group_norm']['scores'] for one in found)
    assert first == second
    assert first == pytest.approx(alone, abs=1e-4)
    assert {'round2/PSNR', 'round2/mIoU_hole'} <= alone.keys()


def test_ranks_score_the_same_with_batch_statistics(found):
    assert found[0]['batch_norm']['scores'] == found[1]['batch_norm']['scores']
