"""Train the small model on two gloo processes, and on one with the doubled batch.

Started by test_two_ranks.py. Usage: run_two_ranks.py REPOSITORY FOLDER
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from fbinpaint_mm import compat  # before mmagic

# isort: split
import torch
import torch.distributed
import torch.multiprocessing
from mmagic.registry import DATASETS
from mmagic.structures import DataSample
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import Dataset

# mmengine formats the config of every run with yapf, which takes longer than these runs.
Config.pretty_text = property(lambda self: repr(self.to_dict()))

ITERATIONS, SIZE, CLASSES = 3, 16, 5
KINDS = {'group_norm': dict(type='GN', num_groups=2), 'batch_norm': dict(type='BN')}


@DATASETS.register_module()
class UnequalSamples(Dataset):
    """Samples of unequal holes and labeled areas; of the first four, ranks get [0, 2], [1, 3].

    So in the first iteration rank 0 has no unlabeled image, in the second no labeled one.
    """

    metainfo: dict = {}
    labeled = (True, False, True, False, False, True, False, True, True, True, False, True)

    def __len__(self) -> int:
        return len(self.labeled)

    def full_init(self) -> None:
        """Has nothing to load."""

    def __getitem__(self, index: int) -> dict:
        generator = torch.Generator().manual_seed(index)
        image = torch.randint(0, 256, (3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
        labels = torch.randint(0, CLASSES, (1, SIZE, SIZE), generator=generator)
        labels[:, : index % 5] = 255
        mask = torch.zeros(1, SIZE, SIZE, dtype=torch.uint8)
        mask[:, : 2 + index] = 1
        flag = self.labeled[index]
        labels = labels if flag else torch.full_like(labels, 255)
        meta = dict(gt_path=f'{index}.png', sample_idx=index, is_labeled=flag)
        sample = DataSample(gt_img=image, mask=mask, gt_seg=labels, metainfo=meta)
        return dict(inputs=torch.where(mask == 1, 127.5, image.float()), data_samples=sample)


def config(repository: Path, folder: Path, norm: dict, batch_size: int, launcher: str) -> Config:
    """A short training with everything that ranks must agree about: SGD shows every gradient."""
    small = Config.fromfile(repository / 'tests/small_inpaintor.py')
    model = small.model.to_dict()
    model.update(disc=small.disc.to_dict())
    model['losses'].update(gan=small.gan.to_dict())
    generator = model['generator']
    generator['segmentor']['backbone']['norm_cfg'] = norm
    generator['segmentor']['decode_head']['norm_cfg'] = norm
    sgd = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05))
    loader = dict(
        batch_size=batch_size, num_workers=0, dataset=dict(type='UnequalSamples'), sampler=None
    )
    metrics = [
        dict(type='PerRound', metric=dict(type='FinitePSNR')),
        dict(type='HoleIoU', num_classes=CLASSES),
    ]
    return Config(
        dict(
            default_scope='mmagic',
            launcher=launcher,
            work_dir=str(folder),
            experiment_name=f'{folder.name}',
            randomness=dict(seed=0),
            env_cfg=dict(mp_cfg=dict(mp_start_method='fork')),
            model=model,
            model_wrapper_cfg=dict(type='MMSeparateDistributedDataParallel'),
            optim_wrapper=dict(constructor='MultiOptimWrapperConstructor', generator=sgd, disc=sgd),
            train_cfg=dict(by_epoch=False, max_iters=ITERATIONS, val_interval=ITERATIONS),
            train_dataloader=dict(loader, sampler=dict(type='InfiniteSampler', shuffle=False)),
            val_cfg=dict(type='MultiValLoop'),
            val_dataloader=dict(loader, sampler=dict(type='DefaultSampler', shuffle=False)),
            val_evaluator=metrics,
            custom_hooks=[
                dict(type='FeedbackHook'),
                dict(type='MeanTeacherHook', momentum=0.7),
                dict(type='EMAHook', momentum=0.1),
            ],
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=ITERATIONS)),
            log_level='WARNING',
        )
    )


class KeepScores(Hook):
    """Keeps what the validation found."""

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Keep it."""
        self.scores = metrics


def write(
    name: str,
    repository: Path,
    folder: Path,
    batch_size: int,
    launcher: str,
    kinds: Iterable[str] = KINDS,
) -> None:
    """Train with each kind of norm and keep every number of this process."""
    found = {}
    for kind in kinds:
        cfg = config(repository, folder / f'{name}_{kind}', KINDS[kind], batch_size, launcher)
        compat.init_cpu_distributed(cfg)
        runner, keeper = Runner.from_cfg(cfg), KeepScores()
        runner.register_hook(keeper)
        runner.train()
        model = runner.model.module if launcher == 'pytorch' else runner.model
        ema = next(hook.ema_model for hook in runner.hooks if hasattr(hook, 'ema_model'))
        found[kind] = dict(state=model.state_dict(), ema=ema.state_dict(), scores=keeper.scores)
    torch.save(found, folder / f'{name}.pth')


def work(rank: int, repository: Path, folder: Path) -> None:
    """One of two ranks, with half of the batch."""
    torch.set_num_threads(1)
    os.environ['LOCAL_RANK'] = str(rank)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2
    )
    write(f'rank{rank}', repository, folder, batch_size=2, launcher='pytorch')
    torch.distributed.barrier()
    compat.end_process_group()


if __name__ == '__main__':
    paths = Path(sys.argv[1]), Path(sys.argv[2])
    torch.multiprocessing.start_processes(work, paths, nprocs=2, start_method='fork')
    # Two halves have other batch statistics than the whole batch: these are not compared.
    write('alone', *paths, batch_size=4, launcher='none', kinds=['group_norm'])
