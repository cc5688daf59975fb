from __future__ import annotations

import numpy as np
import pytest
import torch
from mmagic.datasets.transforms import FixedCrop, Flip, GetMaskedImage, Resize
from mmagic.registry import TRANSFORMS
from mmagic.structures import DataSample

from fbinpaint_mm.datasets.transforms import DictateLabelMap, PackSemanticInputs
from fbinpaint_mm.models import SemiSupervisedDataPreprocessor


def _sample(**changes: object) -> dict:
    ids = np.arange(48, dtype=np.uint8).reshape(6, 8, 1)
    mask = np.zeros((6, 8, 1), np.uint8)
    mask[:3] = 1
    sample = dict(
        gt=np.repeat(ids, 3, axis=2),
        gt_seg=ids,
        mask=mask,
        gt_path='a.jpg',
        sample_idx=3,
        is_labeled=True,
    )
    return GetMaskedImage()({**sample, **changes})


def test_packs_the_contract() -> None:
    packed = PackSemanticInputs()(_sample())
    inputs, sample = packed['inputs'], packed['data_samples']

    assert inputs.shape == (3, 6, 8)
    assert inputs.dtype == torch.float32
    assert (inputs[:, :3] == 127.5).all()
    assert torch.equal(inputs[:, 3:].to(torch.uint8), sample.gt_img[:, 3:])
    assert sample.gt_img.dtype == torch.uint8
    assert sample.mask.shape == (1, 6, 8)
    assert sample.gt_seg.shape == (1, 6, 8)
    assert sample.gt_seg.dtype == torch.int64
    assert sample.metainfo['is_labeled'] is True
    assert sample.metainfo['hole_area'] == pytest.approx(0.5)
    assert sample.metainfo['gt_path'] == 'a.jpg'
    assert sample.metainfo['sample_idx'] == 3


def test_batches_of_different_hole_kinds_stack() -> None:
    """LoadMask leaves mask_bbox behind for boxes only."""
    pack = PackSemanticInputs()
    box = pack(_sample(mask_bbox=(0, 0, 3, 8)))['data_samples']
    strokes = pack(_sample(is_labeled=False, hole_area=0.5))['data_samples']

    batch = DataSample.stack([box, strokes])

    assert batch.gt_seg.shape == (2, 1, 6, 8)
    assert batch.is_labeled == [True, False]


def test_the_box_of_a_hole_is_packed_on_request() -> None:
    pack = PackSemanticInputs(meta_keys=['mask_bbox'])
    packed = pack(_sample(mask_bbox=(0, 0, 3, 8)))['data_samples']

    assert packed.metainfo['mask_bbox'] == (0, 0, 3, 8)

    with pytest.raises(KeyError, match=r"misses \['mask_bbox'\] in the sample a\.jpg"):
        pack(_sample())


def test_input_dict_is_not_changed() -> None:
    sample = _sample(mask_bbox=(0, 0, 3, 8))
    keys, gt_seg = set(sample), sample['gt_seg']

    PackSemanticInputs()(sample)

    assert set(sample) == keys
    assert sample['gt_seg'] is gt_seg


def test_two_dimensional_map_is_accepted() -> None:
    sample = _sample()
    sample['gt_seg'] = sample['gt_seg'][..., 0]

    assert PackSemanticInputs()(sample)['data_samples'].gt_seg.shape == (1, 6, 8)


def test_mmagic_shape_transforms_keep_image_and_map_aligned() -> None:
    """Image and map hold the same numbers here, so they must still do so afterwards."""
    np.random.seed(1)
    sample = _sample()
    for transform in (
        FixedCrop(keys=['gt', 'gt_seg'], crop_size=(4, 4)),
        Flip(keys=['gt', 'gt_seg'], flip_ratio=1.0),
        Resize(keys=['gt'], scale=(8, 8), interpolation='nearest'),
        Resize(keys=['gt_seg'], scale=(8, 8), interpolation='nearest'),
    ):
        sample = transform(sample)

    assert sample['gt_seg'].shape == (8, 8, 1)
    assert np.array_equal(sample['gt'][..., :1], sample['gt_seg'])
    assert sample['gt_seg'][0, 0] > sample['gt_seg'][0, -1]


def test_missing_key_is_named() -> None:
    sample = _sample()
    del sample['gt_seg']

    with pytest.raises(KeyError, match=r"misses \['gt_seg'\] in the sample a\.jpg"):
        PackSemanticInputs()(sample)


def test_sizes_that_differ_are_named() -> None:
    with pytest.raises(ValueError, match=r"Sizes .* differ in the sample a\.jpg.*'gt_seg': \(3, 3"):
        PackSemanticInputs()(_sample(gt_seg=np.zeros((3, 3, 1), np.uint8)))


def test_mask_of_255_is_refused() -> None:
    sample = _sample()
    sample['mask'] = sample['mask'] * 255

    with pytest.raises(ValueError, match=r'mask of a\.jpg holds 255; expected 0'):
        PackSemanticInputs()(sample)


def test_the_true_map_is_dictated_where_it_is_known() -> None:
    ids = np.full((6, 8, 1), 2, np.uint8)
    ids[0] = 255
    sample = TRANSFORMS.build(dict(type='DictateLabelMap'))(_sample(gt_seg=ids))
    assert sample['dictated_seg'] is not sample['gt_seg']

    packed = PackSemanticInputs()(sample)['data_samples']

    assert packed.dictated_seg.dtype == torch.int64
    assert torch.equal(packed.dictated_seg, packed.gt_seg)
    assert set(packed.dictated_seg.unique().tolist()) == {2, 255}
    assert 'dictated_seg' not in PackSemanticInputs()(_sample())['data_samples']


def test_a_model_takes_dictated_maps_of_labeled_and_unlabeled_samples() -> None:
    dictate, pack = DictateLabelMap(), PackSemanticInputs()
    unknown = np.full((6, 8, 1), 255, np.uint8)
    samples = [_sample(), _sample(gt_seg=unknown, is_labeled=False)]
    packed = [pack(dictate(sample)) for sample in samples]
    batch = dict(
        inputs=[one['inputs'] for one in packed],
        data_samples=[one['data_samples'] for one in packed],
    )

    dictated = SemiSupervisedDataPreprocessor()(batch, True)['data_samples'].dictated_seg

    assert dictated.shape == (2, 1, 6, 8)
    assert torch.equal(dictated[0, 0], torch.arange(48).view(6, 8))
    assert (dictated[1] == 255).all()


def test_a_map_of_another_size_cannot_be_dictated() -> None:
    with pytest.raises(ValueError, match=r"Sizes .* differ .*'dictated_seg': \(3, 3"):
        PackSemanticInputs()(_sample(dictated_seg=np.zeros((3, 3, 1), np.uint8)))


def test_without_a_map_nothing_can_be_dictated() -> None:
    with pytest.raises(KeyError, match=r'DictateLabelMap misses gt_seg in the sample a\.jpg; put'):
        DictateLabelMap()(dict(gt_path='a.jpg'))
