"""Holes of training, and mixtures of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmagic.datasets.transforms import LoadMask
from mmagic.registry import TRANSFORMS
from mmagic.structures import DataSample
from mmengine.registry import init_default_scope

from fbinpaint_mm.datasets import RandomHole
from fbinpaint_mm.datasets.transforms import SemanticHole
from fbinpaint_mm.user_error import UserError


def holes(transform, height, width, number):
    np.random.seed(0)
    for _ in range(number):
        yield transform(dict(gt=np.zeros((height, width, 3), np.uint8)))['mask']


@pytest.mark.parametrize('mode', ['ff', 'bbox', 'irregular'])
@pytest.mark.parametrize('size', [(32, 32), (64, 128), (256, 256)])
def test_holes_fit_the_image_and_the_area_range(mode, size):
    for mask in holes(RandomHole(mode, (0.1, 0.6)), *size, 20):
        assert mask.shape == (*size, 1)
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) == {0, 1}
        assert 0.1 <= mask.mean() <= 0.6


@pytest.mark.parametrize('mode', ['ff', 'bbox', 'irregular'])
def test_area_does_not_depend_on_the_image_size(mode):
    small, large = (
        np.mean([mask.mean() for mask in holes(RandomHole(mode, (0, 1)), side, side, 100)])
        for side in (64, 256)
    )
    assert small == pytest.approx(large, abs=0.05)


def test_strokes_reach_every_part_of_an_oblong_image():
    covered = np.max(list(holes(RandomHole('ff'), 32, 96, 60)), axis=0)
    assert covered.mean() > 0.95


def test_it_is_mmagics_hole_at_the_reference_size():
    config = dict(num_vertices=(4, 12), brush_width=(12, 40), max_loops=8)
    np.random.seed(3)
    np.random.randint(1), np.random.randint(1)  # the two offsets of the crop, here always 0
    expected = LoadMask('ff', dict(img_shape=(256, 256), **config)).transform({})['mask']
    np.random.seed(3)
    actual = RandomHole('ff', (0, 1))(dict(gt=np.zeros((256, 256, 3))))['mask']
    np.testing.assert_array_equal(actual, expected)


def test_boxes_add_no_key_that_other_holes_lack():
    results = RandomHole('bbox')(dict(gt=np.zeros((64, 64, 3), np.uint8)))
    assert set(results) == {'gt', 'mask'}


def test_impossible_area():
    with pytest.raises(UserError, match='none of 100 holes on 64x64 was inside area_range'):
        RandomHole('bbox', (0.9, 1.0))(dict(gt=np.zeros((64, 64, 3), np.uint8)))


def test_bad_settings():
    with pytest.raises(UserError, match="mask_mode='file': expected one of ff, bbox, irregular"):
        RandomHole('file')
    with pytest.raises(UserError, match='0 <= low < high <= 1'):
        RandomHole('ff', (0.5, 0.2))


FALLBACK = dict(type='FixedHole', seed=0, area_bins=[(0.3, 0.4)])


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    np.random.seed(0)


def _sample(gt_seg: np.ndarray, is_labeled: bool = True) -> dict:
    gt = np.zeros((*gt_seg.shape[:2], 3), np.uint8)
    return dict(gt=gt, gt_seg=gt_seg, is_labeled=is_labeled, sample_idx=0)


def _two_boxes() -> np.ndarray:
    """Class 3 in two boxes of 100 and 144 pixels on unknown ground."""
    gt_seg = np.full((40, 40, 1), 255, np.uint8)
    gt_seg[2:12, 2:12] = 3
    gt_seg[20:32, 20:32] = 3
    return gt_seg


def test_hole_is_a_class_of_the_image() -> None:
    hole = SemanticHole(FALLBACK, dilation_range=(0, 0), region_probability=0.0)
    gt_seg = _two_boxes()

    mask = hole(_sample(gt_seg))['mask']

    assert mask.shape == (40, 40, 1)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, gt_seg == 3)


def test_hole_is_one_connected_region() -> None:
    hole = SemanticHole(FALLBACK, dilation_range=(0, 0), region_probability=1.0)

    sizes = {int(hole(_sample(_two_boxes()))['mask'].sum()) for _ in range(20)}

    assert sizes == {100, 144}


def test_dilation_covers_the_outline() -> None:
    hole = SemanticHole(FALLBACK, dilation_range=(0.05, 0.05), region_probability=0.0)
    gt_seg = _two_boxes()

    mask = hole(_sample(gt_seg))['mask']

    assert (mask[gt_seg == 3] == 1).all()
    assert mask[7, 0] == 1
    assert mask.sum() > 244


def test_unlabeled_sample_leaks_nothing() -> None:
    """The hole is the fallback's, whatever a map that must not be read would say."""
    hole = SemanticHole(FALLBACK)
    unknown = np.full((40, 40, 1), 255, np.uint8)

    for gt_seg in (unknown, _two_boxes()):
        mask = hole(_sample(gt_seg, is_labeled=False))['mask']
        assert np.array_equal(mask, hole.fallback.hole(0, 40, 40))


@pytest.mark.parametrize('gt_seg', [np.zeros((40, 40, 1)), np.full((40, 40, 1), 255)])
def test_falls_back_where_no_class_fits(gt_seg: np.ndarray) -> None:
    hole = SemanticHole(FALLBACK)

    mask = hole(_sample(gt_seg.astype(np.uint8)))['mask']

    assert np.array_equal(mask, hole.fallback.hole(0, 40, 40))


def test_area_is_in_range() -> None:
    hole = SemanticHole(FALLBACK, area_range=(0.1, 0.4))
    gt_seg = np.repeat(np.arange(40, dtype=np.uint8) // 10, 40).reshape(40, 40, 1)

    areas = [hole(_sample(gt_seg))['mask'].mean() for _ in range(50)]

    assert 0.1 <= min(areas) < max(areas) <= 0.4


def test_bad_ranges_are_refused() -> None:
    with pytest.raises(UserError, match='area_range is'):
        SemanticHole(FALLBACK, area_range=(0.5, 0.2))
    with pytest.raises(UserError, match='dilation_range is'):
        SemanticHole(FALLBACK, dilation_range=(0.5, 2.0))


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
