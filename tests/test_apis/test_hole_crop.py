"""Crops cover the hole, have context and are bounded."""

import numpy as np
import pytest

from fbinpaint_mm.apis.hole_crop import Box, Sight, find_hole_crops


def find_crops(hole, max_side):
    """Of a network that may see twice of what it was trained for."""
    return find_hole_crops(hole, Sight(max_side, (max_side // 2, max_side // 2)))


def holes_of(size, boxes):
    hole = np.zeros(size, bool)
    for box in boxes:
        hole[Box(*box).slices] = True
    return hole


HOLES = {
    'one': [(300, 400, 350, 480)],
    'large': [(100, 100, 700, 900)],
    'corners': [(0, 0, 5, 5), (795, 0, 800, 5), (0, 995, 5, 1000), (795, 995, 800, 1000)],
    'line': [(400, 0, 403, 1000)],
    'everything': [(0, 0, 800, 1000)],
    'dust': [(y, x, y + 1, x + 2) for y in range(0, 800, 97) for x in range(0, 998, 61)],
    'L': [(100, 100, 700, 120), (680, 100, 700, 900)],
}


@pytest.mark.parametrize('name', HOLES)
@pytest.mark.parametrize('max_side', [64, 256])
def test_crops_cover_the_hole_within_bounds(name, max_side):
    hole = holes_of((800, 1000), HOLES[name])
    crops = find_crops(hole, max_side)
    covered = np.zeros_like(hole)
    for crop in crops:
        assert max(crop.size) <= max_side
        assert crop.window.joined(crop.target) == crop.window
        top, left, bottom, right = crop.window
        assert 0 <= top < bottom <= 800
        assert 0 <= left < right <= 1000
        ratios = [small / large for small, large in zip(crop.size, crop.window.size, strict=True)]
        assert ratios[0] == pytest.approx(ratios[1], abs=1 / min(crop.window.size))
        longest = max(crop.window.size)
        assert min(longest, max_side // 2) <= max(crop.size) <= longest
        assert crop.is_scaled == (crop.size != crop.window.size)
        covered[crop.target.slices] = True
    assert not (hole & ~covered).any()


def test_a_picture_that_is_small_enough_is_one_crop():
    hole = holes_of((60, 64), [(1, 2, 3, 4), (40, 40, 46, 50)])
    (crop,) = find_crops(hole, 64)
    assert crop.target == crop.window == Box(0, 0, 60, 64)
    assert crop.size == (60, 64)
    assert not crop.is_scaled


@pytest.mark.parametrize(
    ('size', 'test_size', 'max_side', 'seen'),
    [
        ((100, 191), (256, 256), 512, (134, 256)),
        ((100, 192), (256, 256), 512, (100, 192)),
        ((90, 60), (256, 256), 512, (256, 171)),
        ((90, 60), (256, 256), 200, (200, 133)),
        ((90, 60), (256, 256), 100, (90, 60)),  # by a ninth only
        ((140, 140), (192, 256), 512, (192, 192)),
        ((150, 150), (192, 256), 512, (150, 150)),
        ((140, 100), (192, 256), 512, (256, 183)),  # upright
    ],
)
def test_a_much_smaller_picture_than_the_tests_is_enlarged(size, test_size, max_side, seen):
    hole = holes_of(size, [(2, 2, 9, 20)])
    (crop,) = find_hole_crops(hole, Sight(max_side, test_size))
    assert crop.target == crop.window == Box(0, 0, *size)
    assert crop.size == seen
    assert crop.is_enlarged == (seen != size)


def test_an_empty_hole_has_no_crop():
    assert find_crops(np.zeros((80, 90), bool), 64) == []


def test_parts_far_apart_have_crops_of_their_own_with_context_on_all_sides():
    boxes = [(300, 200, 340, 260), (600, 800, 630, 820)]
    crops = find_crops(holes_of((1000, 1200), boxes), 512)
    assert [crop.target for crop in crops] == [Box(*box) for box in boxes]
    for crop in crops:
        margins = np.abs(np.subtract(crop.window, crop.target))
        assert (margins == 64).all()


def test_small_parts_that_are_neighbors_share_a_crop():
    boxes = [(300, 300, 310, 310), (330, 340, 340, 350)]
    (crop,) = find_crops(holes_of((1000, 1200), boxes), 512)
    assert crop.target == Box(300, 300, 340, 350)


def test_context_gives_way_before_the_resolution_does():
    """A hole of 200 pixels would have 100 on each side, if the model could see 400."""
    hole = holes_of((1000, 1200), [(400, 400, 410, 600)])
    for max_side, margin in ((512, 100), (300, 50), (250, 25)):
        (crop,) = find_crops(hole, max_side)
        assert crop.window == Box(400 - margin, 400 - margin, 410 + margin, 600 + margin)
        assert not crop.is_scaled
    (crop,) = find_crops(hole, 200)
    assert crop.window == Box(300, 300, 510, 700)
    assert crop.size == (105, 200)


@pytest.mark.parametrize(
    ('size', 'box', 'window', 'seen'),
    [
        # 100 and 75 pixels deep; 32 are an eighth of the 256 that the network was trained for.
        ((1000, 1200), (450, 450, 650, 650), (150, 150, 950, 950), 256),
        ((400, 400), (100, 100, 250, 250), (0, 0, 400, 400), 256),
        ((1000, 1000), (100, 100, 900, 900), (0, 0, 1000, 1000), 256),
        ((500, 400), (0, 0, 500, 400), (0, 0, 500, 400), 256),
        ((200, 200), (10, 10, 190, 190), (0, 0, 200, 200), 200),
        # 33 and 32 pixels deep.
        ((400, 400), (100, 100, 166, 300), (0, 0, 400, 400), 256),
        ((400, 400), (100, 100, 164, 300), (0, 0, 400, 400), 400),
    ],
)
def test_a_deep_hole_is_seen_with_much_context_at_the_size_of_training(size, box, window, seen):
    (crop,) = find_crops(holes_of(size, [box]), 512)
    assert crop.window == Box(*window)
    assert max(crop.size) == seen


def test_a_deep_neighbor_does_not_shrink_the_crop_of_a_shallow_hole():
    boxes = [(100, 100, 900, 900), (100, 950, 110, 1200)]
    deep, shallow = find_crops(holes_of((1000, 1400), boxes), 512)
    assert deep.target == Box(*boxes[0])
    assert max(deep.size) == 256
    assert shallow.size == shallow.window.size == (110 + 125, 500)


def test_what_a_network_was_trained_for_may_be_more_than_it_may_see():
    hole = holes_of((400, 400), [(100, 100, 300, 300)])
    (crop,) = find_hole_crops(hole, Sight(128, (256, 256)))
    assert crop.size == (128, 128)


def test_dust_does_not_cost_a_crop_for_each_grain():
    hole = holes_of((800, 1000), HOLES['dust'])
    assert len(find_crops(hole, 512)) <= 56  # tiles of 128 pixels


def test_the_crop_that_sees_most_comes_first():
    hole = holes_of((800, 1000), [(20, 20, 30, 30), (300, 300, 500, 600)])
    large, small = find_crops(hole, 256)
    assert large.target == Box(300, 300, 500, 600)
    assert small.target == Box(20, 20, 30, 30)
