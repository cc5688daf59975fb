from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmagic.structures import DataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from fbinpaint_mm.datasets.procedural_scenes_dataset import ProceduralScenesDataset
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def config(repository: Path) -> Config:
    init_default_scope('mmagic')
    config = Config.fromfile(repository / 'configs/_base_/datasets/procedural_scenes.py')
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    return config


@pytest.fixture
def train_loader(config: Config) -> DataLoader:
    return Runner.build_dataloader(config.train_dataloader, seed=0)


def _scene_seeds(**kwargs: object) -> set[int]:
    dataset = ProceduralScenesDataset(**kwargs, serialize_data=False)
    return {dataset.get_data_info(index)['scene_seed'] for index in range(len(dataset))}


def test_splits_and_seeds_never_share_a_scene() -> None:
    sets = [
        _scene_seeds(split=split, seed=seed, num_scenes=50)
        for split in ('train', 'val', 'test')
        for seed in (0, 1)
    ]

    assert len(set.union(*sets)) == sum(len(seeds) for seeds in sets) == 300


def test_the_largest_split_stays_clear_of_the_next() -> None:
    with pytest.raises(UserError, match=r'expected 1\.\.1000000'):
        ProceduralScenesDataset(num_scenes=1_000_001)


def test_labeled_share() -> None:
    dataset = ProceduralScenesDataset(num_scenes=64, labeled_ratio=1 / 4, serialize_data=False)

    assert len(dataset.labeled_indices) == 16
    assert sorted(dataset.labeled_indices + dataset.unlabeled_indices) == list(range(64))
    assert all(type(index) is int for index in dataset.labeled_indices)


def test_labeled_scenes_are_nested_and_seeded() -> None:
    def labeled(ratio: float, seed: int = 0) -> set[int]:
        dataset = ProceduralScenesDataset(
            num_scenes=64, labeled_ratio=ratio, seed=seed, serialize_data=False
        )
        return set(dataset.labeled_indices)

    assert labeled(1 / 8) < labeled(1 / 4) < labeled(1.0)
    assert labeled(1 / 4) == labeled(1 / 4)
    assert labeled(1 / 4) != labeled(1 / 4, seed=1)
    assert labeled(0.0) == set()


def test_labeled_indices_follow_a_subset() -> None:
    dataset = ProceduralScenesDataset(num_scenes=16, labeled_ratio=0.5, serialize_data=False)
    subset = dataset.get_subset([*dataset.labeled_indices[:2], dataset.unlabeled_indices[0]])

    assert subset.labeled_indices == [0, 1]
    assert subset.unlabeled_indices == [2]


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(split='dev'), "split is 'dev'"),
        (dict(labeled_ratio=1.5), 'labeled_ratio=1.5'),
        (dict(num_scenes=10, labeled_ratio=0.01), 'labels none of them'),
    ],
)
def test_bad_arguments(kwargs: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        ProceduralScenesDataset(**kwargs)


def test_training_batches_fulfil_the_contract(train_loader: DataLoader) -> None:
    np.random.seed(0)
    batches = iter(train_loader)
    for _ in range(4):
        batch = next(batches)
        stacked = DataSample.stack(batch['data_samples'])
        inputs, mask = torch.stack(batch['inputs']), stacked.mask

        assert inputs.shape == (8, 3, 64, 64)
        assert inputs.dtype == torch.float32
        assert stacked.gt_img.dtype == torch.uint8
        assert stacked.gt_seg.shape == mask.shape == (8, 1, 64, 64)
        assert stacked.gt_seg.dtype == torch.int64
        assert set(mask.unique().tolist()) == {0, 1}
        assert torch.equal(inputs, torch.where(mask == 1, 127.5, stacked.gt_img.float()))
        assert sum(stacked.is_labeled) == 4
        assert {'gt_path', 'sample_idx', 'gt_channel_order', 'gt_color_type'} <= set(
            stacked.metainfo_keys()
        )


def test_unlabeled_samples_carry_no_label(train_loader: DataLoader) -> None:
    np.random.seed(0)
    batch = next(iter(train_loader))

    for sample in batch['data_samples']:
        known = sample.gt_seg != 255
        assert bool(known.any()) is sample.is_labeled
        assert not any('seg' in key or 'scene' in key for key in sample.metainfo_keys())


def test_validation_is_fixed_and_covers_the_area_bins(config: Config) -> None:
    loaders = [Runner.build_dataloader(config.val_dataloader, seed=seed) for seed in (0, 1)]
    first, second = ([s for batch in loader for s in batch['data_samples']] for loader in loaders)
    bins = np.floor(np.array([sample.hole_area for sample in first]) * 10).astype(int)

    assert np.bincount(bins).tolist() == [0, 8, 8, 8, 8, 8]
    assert all(sample.is_labeled for sample in first)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.mask, other.mask)
        assert torch.equal(one.gt_img, other.gt_img)


def test_size_is_one_number_per_data_set(config: Config) -> None:
    config.val_dataloader.dataset.update(image_size=(48, 80), num_scenes=2)
    sample = next(iter(Runner.build_dataloader(config.val_dataloader)))['data_samples'][0]

    assert sample.gt_img.shape == (3, 48, 80)
