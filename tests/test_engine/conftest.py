"""The demo config, shrunk until a run takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import count
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

NETWORK = dict(base_channels=4, dilations=(1,))
RUNS = count()


@pytest.fixture(scope='session')
def shrunk(repository) -> Config:
    cfg = Config.fromfile(repository / 'configs/fbinpaint_demo.py')
    cfg.merge_from_dict(
        dict(
            model=dict(
                generator=dict(
                    initial=NETWORK,
                    guided=NETWORK,
                    feedback=dict(base_channels=4),
                    segmentor=dict(
                        backbone=dict(base_channels=4),
                        decode_head=dict(in_channels=4, channels=8, dropout_ratio=0.0),
                    ),
                ),
                train_cfg=dict(rounds=2),
                # The random weights of the other layout get no pixel of the holes right.
                channels_last=False,
            ),
            train_dataloader=dict(batch_size=4, dataset=dict(num_scenes=12, image_size=32)),
            val_dataloader=dict(batch_size=2, dataset=dict(num_scenes=2, image_size=32)),
            default_hooks=dict(checkpoint=dict(interval=3), logger=dict(interval=1)),
        )
    )
    cfg.param_scheduler = [
        dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=2),
        dict(type='CosineAnnealingLR', by_epoch=False, begin=2, end=6, eta_min_ratio=0.05),
    ]
    cfg.custom_hooks = [
        dict(type='FeedbackHook', start=1, ramp=4),
        dict(type='MeanTeacherHook', momentum=0.7, ramp=4),
        dict(type='RoundReportHook'),
    ]
    cfg.visualizer = dict(type='FeedbackVisualizer', vis_backends=[dict(type='LocalVisBackend')])
    return cfg


@pytest.fixture(scope='session')
def small_run(shrunk) -> Callable[..., Runner]:
    """A Runner of the shrunk demo, not yet started; a resumed one when given a checkpoint.

    ``segmentor`` are further settings of the segmentor.
    """

    def make(
        work_dir: Path,
        max_iters: int,
        num_workers: int = 0,
        checkpoint: Path | None = None,
        segmentor: dict | None = None,
    ) -> Runner:
        cfg = deepcopy(shrunk)
        cfg.model.generator.segmentor.update(segmentor or {})
        cfg.work_dir = str(work_dir)
        cfg.train_cfg.update(max_iters=max_iters, val_interval=3)
        cfg.train_dataloader.update(num_workers=num_workers, persistent_workers=num_workers > 0)
        cfg.val_dataloader.update(num_workers=0, persistent_workers=False)
        cfg.update(test_dataloader=None, test_cfg=None, test_evaluator=None)
        if checkpoint is not None:
            cfg.update(load_from=str(checkpoint), resume=True)
        cfg.experiment_name = cfg.visualizer.name = f'small_run_{next(RUNS)}'
        return Runner.from_cfg(cfg)

    return make
