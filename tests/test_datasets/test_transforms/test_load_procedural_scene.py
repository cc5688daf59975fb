from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.datasets.transforms import LoadProceduralScene


def test_labelled_scene() -> None:
    results = LoadProceduralScene(image_size=(48, 64))(dict(scene_seed=5, is_labeled=True))

    assert results['gt'].shape == (48, 64, 3)
    assert results['gt'].dtype == np.uint8
    assert results['gt_seg'].shape == (48, 64, 1)
    assert results['gt_seg'].max() < 10
    assert results['gt_channel_order'] == 'bgr'
    assert results['ori_gt_shape'] == (48, 64, 3)


def test_unlabelled_scene_has_the_same_image_and_no_label() -> None:
    load = LoadProceduralScene()
    sample = dict(scene_seed=5, image_size=(64, 64))
    labeled = load(dict(sample, is_labeled=True))
    unlabeled = load(dict(sample, is_labeled=False))

    assert np.array_equal(labeled['gt'], unlabeled['gt'])
    assert (unlabeled['gt_seg'] == 255).all()


def test_changes_in_place_do_not_reach_the_cache() -> None:
    load = LoadProceduralScene(image_size=48)
    first = load(dict(scene_seed=5, is_labeled=True))
    expected = first['gt'].copy(), first['gt_seg'].copy()
    first['gt'][:] = 0
    first['gt_seg'][:] = 0

    second = load(dict(scene_seed=5, is_labeled=True))

    assert np.array_equal(second['gt'], expected[0])
    assert np.array_equal(second['gt_seg'], expected[1])


def test_cache_is_bounded() -> None:
    load = LoadProceduralScene(image_size=32, cache_size=2)
    for scene_seed in range(4):
        load(dict(scene_seed=scene_seed, is_labeled=True))

    assert len(load._cache) == 2


def test_missing_or_tiny_size_is_refused() -> None:
    with pytest.raises(KeyError, match='needs image_size'):
        LoadProceduralScene()(dict(scene_seed=0, is_labeled=True))
    with pytest.raises(ValueError, match='at least 16 pixels'):
        LoadProceduralScene(image_size=8)(dict(scene_seed=0, is_labeled=True))
