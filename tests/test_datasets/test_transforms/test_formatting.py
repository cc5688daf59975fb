"""What ends a pipeline: packing, keys of mmseg, windows for local discriminators."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmagic.datasets.transforms import FixedCrop, Flip, GetMaskedImage, Resize
from mmagic.models.utils import extract_around_bbox
from mmagic.registry import TRANSFORMS
from mmagic.structures import DataSample
from mmseg.datasets.transforms import PackSegInputs
from numpy.lib.stride_tricks import sliding_window_view

from fbinpaint_mm.datasets import ToSegmentationKeys
from fbinpaint_mm.datasets.transforms import (
    DictateLabelMap,
    HoleBoundingBox,
    PackSemanticInputs,
    RandomHole,
)
from fbinpaint_mm.models import SemiSupervisedDataPreprocessor
from fbinpaint_mm.user_error import UserError


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

    with pytest.raises(UserError, match=r"misses \['mask_bbox'\] in the sample a\.jpg"):
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

    with pytest.raises(UserError, match=r"misses \['gt_seg'\] in the sample a\.jpg"):
        PackSemanticInputs()(sample)


def test_sizes_that_differ_are_named() -> None:
    with pytest.raises(UserError, match=r"Sizes .* differ in the sample a\.jpg.*'gt_seg': \(3, 3"):
        PackSemanticInputs()(_sample(gt_seg=np.zeros((3, 3, 1), np.uint8)))


def test_mask_of_255_is_refused() -> None:
    sample = _sample()
    sample['mask'] = sample['mask'] * 255

    with pytest.raises(UserError, match=r'mask of a\.jpg holds 255; expected 0'):
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
    with pytest.raises(UserError, match=r"Sizes .* differ .*'dictated_seg': \(3, 3"):
        PackSemanticInputs()(_sample(dictated_seg=np.zeros((3, 3, 1), np.uint8)))


def test_without_a_map_nothing_can_be_dictated() -> None:
    with pytest.raises(UserError, match=r'DictateLabelMap misses gt_seg in the sample a\.jpg; put'):
        DictateLabelMap()(dict(gt_path='a.jpg'))


def sample():
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    label = np.array([[4, 5, 255], [1, 4, 4]], dtype=np.uint8)[..., None]
    return dict(gt=image, gt_path='7.png', gt_seg=label, seg_map_path='a/7.png')


def test_names_of_mmseg():
    results = TRANSFORMS.build(dict(type='ToSegmentationKeys'))(sample())
    np.testing.assert_array_equal(results.pop('img'), sample()['gt'])
    np.testing.assert_array_equal(results.pop('gt_seg_map'), [[4, 5, 255], [1, 4, 4]])
    assert results == dict(
        gt_path='7.png',
        img_path='7.png',
        seg_map_path='a/7.png',
        seg_fields=['gt_seg_map'],
        img_shape=(2, 3),
        ori_shape=(2, 3),
    )


def test_mmseg_packs_the_result():
    packed = PackSegInputs()(ToSegmentationKeys()(sample()))
    assert torch.equal(
        packed['inputs'], torch.arange(18, dtype=torch.uint8).view(2, 3, 3).permute(2, 0, 1)
    )
    expected = torch.tensor([[[4, 5, 255], [1, 4, 4]]])
    assert torch.equal(packed['data_samples'].gt_sem_seg.data, expected)
    assert packed['data_samples'].ori_shape == (2, 3)


def test_what_is_missing_is_named_with_the_remedy():
    results = sample()
    del results['gt_seg']
    message = r"ToSegmentationKeys misses \['gt_seg'\] in the sample 7\.png; put .*LoadSemanticMap"
    with pytest.raises(UserError, match=message):
        ToSegmentationKeys()(results)


def box_hole(height: int, width: int, *box: int) -> np.ndarray:
    mask = np.zeros((height, width, 1), np.uint8)
    top, bottom, left, right = box
    mask[top:bottom, left:right] = 1
    return mask


def find(mask: np.ndarray, size: int | tuple[int, int]) -> tuple[int, ...]:
    return HoleBoundingBox(size)(dict(mask=mask))['mask_bbox']


@pytest.mark.parametrize(
    ('mask', 'size', 'expected'),
    [
        (box_hole(64, 64, 20, 30, 24, 44), 32, (9, 18, 32, 32)),  # in the middle of the window
        (box_hole(64, 64, 0, 10, 54, 64), 32, (0, 32, 32, 32)),  # in a corner
        (box_hole(64, 64, 60, 64, 0, 4), 32, (32, 0, 32, 32)),
        (box_hole(64, 64, 8, 60, 10, 60), 32, (18, 19, 32, 32)),  # larger than the window
        (box_hole(64, 64, 0, 64, 0, 64), 32, (16, 16, 32, 32)),  # everything
        (box_hole(64, 64, 0, 0, 0, 0), 32, (16, 16, 32, 32)),  # nothing
        (box_hole(30, 50, 4, 8, 40, 44), (10, 20), (1, 30, 10, 20)),  # an oblong image
        (box_hole(32, 32, 3, 5, 3, 5), 32, (0, 0, 32, 32)),  # no room
    ],
)
def test_window(mask, size, expected):
    assert find(mask, size) == expected
    assert find(mask[..., 0] * 255, size) == expected
    assert all(isinstance(number, int) for number in find(mask, size))


@pytest.mark.parametrize('mode', ['ff', 'bbox', 'irregular'])
def test_no_other_window_holds_more(mode):
    np.random.seed(3)
    for size in ((16, 16), (40, 12)):
        mask = RandomHole(mode)(dict(gt=np.zeros((48, 64, 3), np.uint8)))['mask']
        top, left, height, width = find(mask, size)
        held = mask[top : top + height, left : left + width].sum()
        assert (height, width) == size
        assert held == sliding_window_view(mask[..., 0], size).sum(axis=(2, 3)).max()


def test_ties_that_are_far_apart_give_one_of_them():
    """The middle of two equal holes in opposite corners would hold neither."""
    mask = box_hole(64, 64, 0, 8, 0, 8) | box_hole(64, 64, 56, 64, 56, 64)
    top, left, *_ = find(mask, 8)
    assert (top, left) in ((0, 0), (56, 56))


def test_mmagic_crops_exactly_there():
    """As its inpaintors read it: from the stacked metainfo, for holes at every border."""
    pack = PackSemanticInputs(meta_keys=['mask_bbox'])
    samples, images = [], []
    for box in ((0, 4, 0, 4), (44, 48, 60, 64), (10, 40, 5, 60)):
        sample = dict(
            gt=np.random.default_rng(len(samples)).integers(0, 256, (48, 64, 3), dtype=np.uint8),
            mask=box_hole(48, 64, *box),
            gt_seg=np.zeros((48, 64, 1), np.uint8),
            is_labeled=True,
        )
        packed = pack(HoleBoundingBox(32)(GetMaskedImage()(sample)))
        samples.append(packed['data_samples'])
        images.append(packed['data_samples'].gt_img)

    stacked = DataSample.stack(samples)
    boxes = torch.LongTensor(stacked.metainfo['mask_bbox'])
    crops, enlarged = extract_around_bbox(torch.stack(images), boxes, (32, 32))

    assert crops.shape == (3, 3, 32, 32)
    assert torch.equal(enlarged, boxes)
    assert torch.equal(crops[1], images[1][:, 16:, 32:])
    assert [sample.mask_bbox for sample in stacked.split()] == [s.mask_bbox for s in samples]


def test_a_window_larger_than_the_image_is_refused():
    transform = HoleBoundingBox(128)
    with pytest.raises(UserError, match=r'size=\(128, 128\).* image a\.png .*\(64, 64\)\); lower'):
        transform(dict(mask=box_hole(64, 64, 0, 4, 0, 4), gt_path='a.png'))


@pytest.mark.parametrize('size', [0, (4, 0), (4, 4, 4)])
def test_bad_size_is_refused(size):
    with pytest.raises(UserError, match=r'size: found .*, expected a side or \(height, width\)'):
        HoleBoundingBox(size)
