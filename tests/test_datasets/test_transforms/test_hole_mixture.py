from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from mmagic.registry import TRANSFORMS
from mmagic.structures import DataSample
from mmengine.registry import init_default_scope

SHAPE = (64, 64)
HOLES = [
    dict(
        type='LoadMask',
        mask_mode='bbox',
        mask_config=dict(img_shape=SHAPE, max_bbox_shape=32, max_bbox_delta=16, min_margin=4),
    ),
    dict(
        type='LoadMask',
        mask_mode='irregular',
        mask_config=dict(
            img_shape=SHAPE,
            num_vertices=(4, 12),
            length_range=(2, 25),
            brush_width=(2, 10),
            area_ratio_range=(0.1, 0.6),
        ),
    ),
    dict(
        type='LoadMask',
        mask_mode='ff',
        mask_config=dict(img_shape=SHAPE, num_vertices=(4, 12), brush_width=(3, 10)),
    ),
    dict(type='RandomHole', mask_mode='ff'),
    dict(type='SemanticHole', fallback=dict(type='RandomHole', mask_mode='bbox')),
]


def _pack(hole: dict, sample_idx: int) -> DataSample:
    results = dict(
        scene_seed=sample_idx, image_size=SHAPE, is_labeled=sample_idx % 2 == 0, sample_idx=0
    )
    for config in (
        dict(type='LoadProceduralScene'),
        hole,
        dict(type='GetMaskedImage'),
        dict(type='PackSemanticInputs'),
    ):
        results = TRANSFORMS.build(config)(results)
    return results['data_samples']


def test_every_kind_of_hole_stacks_with_every_other(tmp_path: Path) -> None:
    np.random.seed(0)
    mask = np.zeros((32, 32), np.uint8)
    mask[:10] = 255
    cv2.imwrite(str(tmp_path / 'mask.png'), mask)
    holes = [*HOLES, dict(type='HoleFromFolder', folder=str(tmp_path)), dict(type='FixedHole')]

    batch = DataSample.stack([_pack(hole, index) for index, hole in enumerate(holes)])

    assert batch.mask.shape == (len(holes), 1, *SHAPE)
    assert batch.mask.dtype == torch.uint8
    assert set(batch.mask.unique().tolist()) == {0, 1}
    assert (batch.mask.flatten(1).sum(1) > 0).all()


def test_probabilities_of_a_mixture() -> None:
    init_default_scope('mmagic')
    np.random.seed(0)
    choice = TRANSFORMS.build(
        dict(type='RandomChoice', transforms=[[HOLES[0]], [HOLES[1]]], prob=[0.8, 0.2])
    )

    boxes = sum('mask_bbox' in choice({}) for _ in range(200))

    assert 130 < boxes < 190
