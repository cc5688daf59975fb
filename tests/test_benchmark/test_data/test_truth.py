import hashlib

import pytest
import torch
from mmagic.structures import DataSample

from fbinpaint_mm.benchmark.data.truth import truth_of, update_digest


def sample(**changes):
    image = torch.arange(24, dtype=torch.uint8).reshape(3, 2, 4)
    fields = dict(gt_img=image, mask=torch.tensor([[[0, 1, 0, 0], [0, 0, 0, 1]]]))
    return DataSample(**{**fields, **changes}, metainfo=dict(gt_path='a.png', sample_idx=3))


def digest_of(truth):
    digest = hashlib.sha256()
    update_digest(digest, truth)
    return digest.hexdigest()


def test_fields_and_facts_are_copied():
    given = sample()
    truth = truth_of(given)
    assert (truth['gt_path'], truth['sample_idx']) == ('a.png', 3)
    given.mask.zero_()
    given.gt_img.zero_()
    assert truth['mask'].sum() == 2
    assert truth['gt_img'].sum() == sum(range(24))


def test_rgb_becomes_bgr():
    given = sample()
    given.set_metainfo(dict(gt_channel_order='rgb'))
    truth = truth_of(given)
    assert truth['gt_img'].equal(given.gt_img.flip(0))
    assert truth['gt_channel_order'] == 'BGR'


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match=r'a\.png: the sample has no gt_img and no mask'):
        truth_of(DataSample(metainfo=dict(gt_path='a.png')))


def test_the_digest_is_that_of_the_pixels():
    plain = digest_of(truth_of(sample()))
    hole = sample().mask
    assert plain == digest_of(truth_of(sample(gt_img=sample().gt_img.float(), mask=hole.float())))
    assert plain != digest_of(truth_of(sample(mask=hole.flip(2))))
    assert plain != digest_of(truth_of(sample(gt_img=sample().gt_img + 1)))
    labelled = [digest_of(truth_of(sample(gt_seg=hole + shift))) for shift in (0, 0, 1)]
    assert plain != labelled[0] == labelled[1] != labelled[2]
    turned = dict(gt_img=sample().gt_img.reshape(3, 4, 2), mask=hole.reshape(1, 4, 2))
    assert plain != digest_of(truth_of(sample(**turned)))
