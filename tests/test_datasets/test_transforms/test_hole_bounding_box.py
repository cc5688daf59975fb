from __future__ import annotations

import numpy as np
import pytest
import torch
from mmagic.datasets.transforms import GetMaskedImage
from mmagic.models.utils import extract_around_bbox
from mmagic.structures import DataSample
from numpy.lib.stride_tricks import sliding_window_view

from fbinpaint_mm.datasets.transforms import HoleBoundingBox, PackSemanticInputs, RandomHole


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
    with pytest.raises(ValueError, match=r'size=\(128, 128\).* image a\.png .*\(64, 64\)\); lower'):
        transform(dict(mask=box_hole(64, 64, 0, 4, 0, 4), gt_path='a.png'))


@pytest.mark.parametrize('size', [0, (4, 0), (4, 4, 4)])
def test_bad_size_is_refused(size):
    with pytest.raises(ValueError, match=r'size: found .*, expected a side or \(height, width\)'):
        HoleBoundingBox(size)
