from __future__ import annotations

import pytest
import torch
from scipy.ndimage import gaussian_filter

from fbinpaint_mm.models.round_merging import merge_low_frequencies


def images(size=(24, 32)):
    """Two images that differ in a hole, and the hole."""
    mask = torch.zeros(1, 1, *size)
    mask[..., 4:15, 6:20] = 1
    one, other, known = torch.rand(3, 1, 3, *size) / 2
    return torch.where(mask > 0, one, known), torch.where(mask > 0, other, known), mask


def test_equals_the_filter_of_scipy():
    composite, before, mask = images()
    merged = merge_low_frequencies(composite, before, mask, 2.0)
    difference = ((before - composite) / 2)[0].numpy()
    # scipy's 'mirror' is torch's 'reflect'; the filter reaches three sigmas.
    low = gaussian_filter(difference, (0, 2, 2), mode='mirror', truncate=3)
    expected = composite + mask * torch.from_numpy(low)
    torch.testing.assert_close(merged, expected)


def test_a_constant_difference_is_halved_and_detail_stays():
    mask = torch.ones(1, 1, 40, 40)
    detail = torch.full((40, 40), 0.5)
    detail[::2] = -0.5
    composite, before = torch.zeros(1, 3, 40, 40) + detail, torch.full((1, 3, 40, 40), 0.4) + detail
    merged = merge_low_frequencies(composite, before, mask, 4.0)
    torch.testing.assert_close(merged, torch.full_like(merged, 0.2) + detail)


def test_the_range_of_an_image_is_kept():
    mask = torch.ones(1, 1, 8, 8)
    composite, before = torch.full((1, 3, 8, 8), -1.0), torch.ones(1, 3, 8, 8)
    composite[..., 4] = 1
    merged = merge_low_frequencies(composite, before, mask, 2.0)
    assert merged.max() == 1
    assert (merged[..., 4] == 1).all()


def test_nothing_changes_outside_the_hole_or_between_equal_images():
    composite, before, mask = images()
    outside = mask.expand_as(composite) == 0
    merged = merge_low_frequencies(composite, before, mask, 4.0)
    assert torch.equal(merged[outside], composite[outside])
    assert not torch.equal(merged, composite)
    assert torch.equal(merge_low_frequencies(composite, composite, mask, 4.0), composite)


def test_the_other_image_does_not_count_where_an_image_is_said_to_be_right():
    composite, before, mask = images()
    own = torch.zeros_like(mask, dtype=torch.bool)
    own[..., 10:] = True
    merged = merge_low_frequencies(composite, before, mask, 1.0, own)
    assert torch.equal(merged[..., 13:], composite[..., 13:])  # three sigmas away
    assert not torch.equal(merged[..., :10], composite[..., :10])
    alike = torch.where(own, composite, before)
    torch.testing.assert_close(merged, merge_low_frequencies(composite, alike, mask, 1.0))


@pytest.mark.parametrize('size', [(8, 8), (5, 33)])
def test_images_may_be_smaller_than_the_filter(size):
    mask = torch.ones(1, 1, *size)
    merged = merge_low_frequencies(torch.zeros(1, 3, *size), torch.ones(1, 3, *size), mask, 9.0)
    torch.testing.assert_close(merged, torch.full_like(merged, 0.5))
