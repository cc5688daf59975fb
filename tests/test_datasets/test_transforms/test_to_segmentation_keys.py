import numpy as np
import pytest
import torch
from mmagic.registry import TRANSFORMS
from mmseg.datasets.transforms import PackSegInputs

from fbinpaint_mm.datasets import ToSegmentationKeys


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
    with pytest.raises(KeyError, match=message):
        ToSegmentationKeys()(results)
