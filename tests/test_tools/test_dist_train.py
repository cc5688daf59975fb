"""Two gloo processes on a CPU, started as a user starts several GPUs."""

import os
import subprocess
import sys
from pathlib import Path

import torch

OPTIONS = {
    'train_cfg.max_iters': 2,
    'train_cfg.val_interval': 2,
    'default_hooks.logger.interval': 1,
    'train_dataloader.batch_size': 2,
    'train_dataloader.dataset.num_scenes': 16,
    'train_dataloader.dataset.image_size': 32,
    'val_dataloader.dataset.num_scenes': 3,  # the last rank is short of one
    'val_dataloader.dataset.image_size': 32,
    **{
        f'{split}_dataloader.{key}': value
        for split in ('train', 'val')
        for key, value in (('num_workers', 0), ('persistent_workers', False))
    },
}


def test_two_processes_train_and_validate_together(repository, tmp_path):
    folder = Path(sys.executable).parent
    environment = dict(
        os.environ,
        PATH=f'{folder}{os.pathsep}{os.environ["PATH"]}',
        OMP_NUM_THREADS='1',
        PORT='29687',
    )
    command = ['bash', 'tools/dist_train.sh', 'configs/fbinpaint_demo.py', '2']
    command += ['--work-dir', str(tmp_path), '--cfg-options']
    command += [f'{key}={value}' for key, value in OPTIONS.items()]
    done = subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    state = torch.load(tmp_path / 'iter_2.pth', weights_only=False)['state_dict']
    # One labeled image on each rank, two iterations: the memory has learned from both.
    assert state['generator.memory.updates'].max() == 2
    assert not any('.module.' in key for key in state)
    assert 'Picture of every round:' in done.stdout.strip().splitlines()[-1]
