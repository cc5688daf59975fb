"""Samples and images as metrics take them."""

from __future__ import annotations

import pytest
import torch

from fbinpaint_mm.evaluation.metrics.round_views import (
    common_length,
    count_rounds,
    image_chunks,
    round_views,
)
from fbinpaint_mm.user_error import UserError


def test_one_view_for_each_round_where_the_last_is_final(make_sample):
    sample = make_sample(0).to_dict()
    views = round_views(sample)
    assert len(views) == count_rounds(sample) == 3
    for view, image in zip(views, sample['output']['round_imgs'], strict=True):
        assert torch.equal(view['output']['pred_img'], image)
        assert view['gt_img'] is sample['gt_img']


@pytest.mark.parametrize('change', [lambda image: image + 1, lambda image: image.double()])
def test_another_final_image_is_a_view_of_its_own(make_sample, change):
    sample = make_sample(0).to_dict()
    sample['output']['pred_img'] = change(sample['output']['pred_img'])
    views = round_views(sample)
    assert len(views) == 4
    assert views[-1] is sample


def test_without_rounds_there_is_the_final_image(make_sample):
    sample = make_sample(0, with_rounds=False).to_dict()
    assert round_views(sample) == [sample]
    assert count_rounds(sample) == 0


def test_all_images_need_the_same_number_of_rounds():
    assert common_length([[1, 2], [3, 4]], 'rounds') == 2
    with pytest.raises(UserError, match=r'different numbers of rounds: \[1, 2\]; evaluate with'):
        common_length([[1], [1, 2]], 'rounds')


def test_neighbors_of_one_shape_share_chunks_of_bounded_size():
    images = [torch.full((3, side, 8), float(i)) for i, side in enumerate((8, 8, 8, 9, 8, 8))]
    chunks = list(image_chunks(images, 2))
    assert [[int(one[0, 0, 0]) for one in chunk] for chunk in chunks] == [[0, 1], [2], [3], [4, 5]]
    assert list(image_chunks([], 2)) == []
