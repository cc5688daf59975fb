"""The bank of label maps, against a plain loop over images, and its promises."""

from __future__ import annotations

import copy
import math
from zlib import crc32

import pytest
import torch
from mmagic.structures import DataSample

from fbinpaint_mm.models.feedback import NO_KEY, PART_KEY, LayoutMemory, layout_memory
from fbinpaint_mm.models.feedback.layout_memory import image_keys_of
from fbinpaint_mm.user_error import UserError

CLASSES = 3


@pytest.fixture
def memory():
    return LayoutMemory(CLASSES, capacity=4, size=8, coarse_size=4, temperature=0.5)


@pytest.fixture
def warnings(monkeypatch):
    """What is logged."""
    said = []
    monkeypatch.setattr(layout_memory, 'print_log', lambda text, *_: said.append(text))
    return said


def maps(*seeds, size=(8, 8)):
    """Label maps of blocks, (N, 1, H, W)."""
    made = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        blocks = torch.randint(0, CLASSES, (1, 1, 4, 4), generator=generator).float()
        made.append(torch.nn.functional.interpolate(blocks, size, mode='nearest'))
    return torch.cat(made).long()


def certain(labels):
    return torch.nn.functional.one_hot(labels[:, 0], CLASSES).movedim(-1, 1).float()


def hole(count=1, size=(8, 8)):
    mask = torch.zeros(count, 1, *size)
    mask[..., 2:6, 2:6] = 1
    return mask


def test_an_empty_memory_knows_nothing(memory):
    found = memory(certain(maps(0, 1)), hole(2))
    assert torch.equal(found, torch.zeros(2, CLASSES, 8, 8))


def test_the_map_with_the_same_visible_part_is_found():
    memory = LayoutMemory(CLASSES, capacity=4, size=8, coarse_size=4, temperature=0.01)
    memory.update(maps(0, 1, 2), torch.arange(3))
    asked = certain(maps(1))
    asked[..., 2:6, 2:6] = 1 / CLASSES  # nothing is known in the hole
    torch.testing.assert_close(memory(asked, hole()), certain(maps(1)))


@pytest.mark.parametrize('nearest', [128, 2])
def test_mean_by_a_loop_over_images(memory, monkeypatch, nearest):
    monkeypatch.setattr(layout_memory, 'NEAREST', nearest)
    stored, asked, mask = maps(0, 1, 2), torch.rand(2, CLASSES, 8, 8).softmax(1), hole(2)
    memory.update(stored, torch.tensor([5, 6, 7]))
    found = memory(asked, mask, torch.tensor([6, 99]))
    for image, allowed in ((0, (0, 2)), (1, (0, 1, 2))):
        scores = {}
        for index in allowed:
            total = cells = 0.0
            for row in range(4):
                for column in range(4):
                    block = (slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2))
                    visible = 1 - mask[image, 0][block]
                    cells += visible.mean().item()
                    for one in range(CLASSES):
                        share = (stored[index, 0][block] == one).float().mean().item()
                        weight = (asked[image, one][block] * visible).mean().item()
                        total += weight * math.log(share + 0.01)
            scores[index] = math.exp(total / cells / 0.5)
        scores = dict(sorted(scores.items(), key=lambda item: -item[1])[:nearest])
        whole = sum(scores.values())
        expected = sum(score / whole * certain(stored)[k] for k, score in scores.items())
        torch.testing.assert_close(found[image], expected, rtol=1e-4, atol=1e-6)


def test_what_is_left_out_changes_no_value_by_more_than_its_weight(monkeypatch):
    memory = LayoutMemory(CLASSES, capacity=12, size=8, coarse_size=4, temperature=0.5)
    memory.update(maps(*range(12)), torch.arange(12))
    asked, mask = torch.rand(2, CLASSES, 8, 8).softmax(1), hole(2)
    whole, shares = memory(asked, mask), []
    # The share of each map in the mean of all: alone it is of class 1, the others of class 0.
    for index in range(12):
        memory.labels.copy_((torch.arange(12) == index).view(-1, 1, 1).expand(-1, 8, 8))
        shares.append(memory(asked, mask)[:, 1, 0, 0])
    memory.labels.copy_(maps(*range(12))[:, 0])
    left_out = torch.stack(shares, 1).sort(descending=True).values[:, 4:].sum(1)
    monkeypatch.setattr(layout_memory, 'NEAREST', 4)
    found = memory(asked, mask)
    assert ((found - whole).abs().flatten(1).amax(1) <= left_out + 1e-6).all()
    assert (left_out > 0.01).all(), 'or nothing is shown'
    torch.testing.assert_close(found.sum(1), torch.ones(2, 8, 8))


def test_no_image_is_told_its_own_labels(memory):
    memory.update(maps(0), torch.tensor([7]))
    assert torch.equal(memory(certain(maps(0)), hole(), torch.tensor([7])).sum(), torch.zeros(()))
    assert memory(certain(maps(0)), hole(), torch.tensor([8])).sum() == 64
    assert memory(certain(maps(0)), hole()).sum() == 64


def test_nobody_is_asked_about_a_part_of_an_image(memory):
    memory.update(maps(0, 1), torch.arange(2))
    found = memory(certain(maps(0, 1)), hole(2), torch.tensor([PART_KEY, NO_KEY]))
    assert found[0].sum() == 0
    assert found[1].sum() == pytest.approx(64)


@pytest.mark.parametrize('size', [(8, 8), (12, 20)])
def test_the_hole_is_not_looked_at(memory, size):
    memory.update(maps(0, 1, 2), torch.arange(3))
    asked, mask = torch.rand(1, CLASSES, *size).softmax(1), hole(size=size)
    other = torch.where(mask > 0, asked.flip(1), asked)
    torch.testing.assert_close(memory(asked, mask), memory(other, mask))


def test_an_image_without_anything_visible_gets_the_mean_of_all(memory):
    memory.update(maps(0, 1), torch.arange(2))
    found = memory(certain(maps(2)), torch.ones(1, 1, 8, 8))
    torch.testing.assert_close(found, certain(maps(0, 1)).mean(0, keepdim=True))


def test_an_image_has_one_place_and_the_first_to_come_makes_room(memory):
    memory.update(maps(0, 1, 2), torch.tensor([10, 11, 12]))
    memory.update(maps(3), torch.tensor([11]))
    assert memory.keys.tolist() == [10, 11, 12, NO_KEY]
    assert torch.equal(memory.labels[1], maps(3)[0, 0].to(torch.uint8))
    memory.update(maps(4, 5), torch.tensor([13, 14]))
    assert memory.keys.tolist() == [14, 11, 12, 13]
    assert memory.next_place == 1


def test_an_image_that_has_made_room_comes_back_as_a_new_one(memory):
    memory.update(maps(*range(6)), torch.arange(6) + 10)  # 14 and 15 take the first places
    memory.update(maps(0), torch.tensor([10]))
    assert memory.keys.tolist() == [14, 15, 10, 13]
    assert torch.equal(memory.labels[2], maps(0)[0, 0].to(torch.uint8))


def test_what_is_not_to_be_remembered_is_not(memory):
    memory.update(maps(0, 1), torch.tensor([NO_KEY, 3]))
    assert memory.keys.tolist() == [3, NO_KEY, NO_KEY, NO_KEY]
    assert torch.equal(memory.labels[0], maps(1)[0, 0].to(torch.uint8))


def test_maps_of_any_size_are_resized(memory):
    memory.update(maps(0, size=(16, 24)), torch.tensor([0]))
    assert torch.equal(memory.labels[0], maps(0)[0, 0].to(torch.uint8))
    found = memory(certain(maps(0, size=(16, 24))), hole(size=(16, 24)))
    assert found.shape == (1, CLASSES, 16, 24)
    torch.testing.assert_close(found.sum(1), torch.ones(1, 16, 24))


def test_unknown_pixels_are_no_class(memory):
    labels = maps(0)
    labels[..., :4] = 255
    memory.update(labels, torch.tensor([0]))
    found = memory(certain(maps(0)), hole())
    assert found[..., :3].sum() == 0
    torch.testing.assert_close(found[..., 5:].sum(1), torch.ones(1, 8, 3))


def test_unknown_pixels_are_no_contradiction():
    """What is known of a map decides; a map of which nothing is known is as good as chance."""
    memory = LayoutMemory(CLASSES, capacity=4, size=8, coarse_size=4, temperature=0.01)
    half, other, unknown = maps(0), maps(1), torch.full((1, 1, 8, 8), 255)
    half[..., :4] = 255
    memory.update(torch.cat([half, other, unknown]), torch.arange(3))
    found = memory(certain(maps(0)), hole())
    torch.testing.assert_close(found[..., 4:], certain(maps(0))[..., 4:], atol=0.2, rtol=0)
    assert found[..., :3].sum() < 1


def test_of_one_image_twice_in_a_batch_one_map_is_kept(memory):
    memory.update(maps(0, 1), torch.tensor([5, 5]))
    assert memory.keys.tolist() == [5, NO_KEY, NO_KEY, NO_KEY]
    assert torch.equal(memory.labels[0], maps(1)[0, 0].to(torch.uint8))


def test_labels_that_are_no_class_change_nothing(memory):
    before = copy.deepcopy(memory.state_dict())
    with pytest.raises(RuntimeError):
        memory.update(maps(0) + 7, torch.tensor([0]))
    assert all(torch.equal(value, before[name]) for name, value in memory.state_dict().items())


def test_it_is_in_the_checkpoint_and_takes_no_gradient(memory):
    memory.update(maps(0, 1), torch.arange(2))
    other = LayoutMemory(CLASSES, capacity=4, size=8, coarse_size=4, temperature=0.5)
    other.load_state_dict(memory.state_dict())
    asked = torch.rand(1, CLASSES, 8, 8).softmax(1).requires_grad_()
    found = other(asked, hole())
    assert torch.equal(found, memory(asked, hole()))
    assert not found.requires_grad
    assert not list(memory.parameters())


def test_a_checkpoint_holds_what_it_always_held(memory):
    """Shares were of full precision before; what is derived from them is not in it."""
    memory.update(maps(0, 1), torch.arange(2))
    old = memory.state_dict()
    assert list(old) == ['labels', 'shares', 'keys', 'next_place']
    old['shares'] = old['shares'].float()
    other = LayoutMemory(CLASSES, capacity=4, size=8, coarse_size=4, temperature=0.5)
    other.load_state_dict(old)
    asked = torch.rand(1, CLASSES, 8, 8).softmax(1)
    assert torch.equal(other(asked, hole()), memory(asked, hole()))


def test_the_same_memory_comes_back_as_it_was(memory, warnings):
    memory.update(maps(0, 1, 2, 3, 4), torch.arange(5))
    other = LayoutMemory(CLASSES, capacity=4, size=8, coarse_size=4)
    other.load_state_dict(memory.state_dict())
    assert other.keys.tolist() == [4, 1, 2, 3]
    assert other.next_place == 1
    assert not warnings


def test_a_smaller_memory_takes_over_the_newest_maps(memory, warnings):
    memory.update(maps(0, 1, 2), torch.tensor([10, 11, 12]))
    memory.update(maps(3, 4), torch.tensor([13, 14]))  # 14 takes the place of 10
    other = LayoutMemory(CLASSES, capacity=2, size=8, coarse_size=4)
    other.load_state_dict(memory.state_dict())
    assert other.keys.tolist() == [13, 14]
    assert torch.equal(other.labels.long(), maps(3, 4)[:, 0])
    assert torch.equal(other.shares, memory.shares[[3, 0]])
    assert other.next_place == 0
    assert memory.keys.tolist() == [14, 11, 12, 13], 'the given one stays'
    assert 'newest 2 of 4 label maps, from a memory of 4 into one of 2' in warnings[0]


@pytest.mark.parametrize('count', [2, 4])
def test_a_larger_memory_takes_over_all_maps_and_goes_on_behind_them(memory, count):
    memory.update(maps(*range(count)), torch.arange(count) + 10)
    other = LayoutMemory(CLASSES, capacity=6, size=8, coarse_size=4)
    other.load_state_dict(memory.state_dict())
    other.update(maps(count), torch.tensor([10 + count]))
    held = list(range(10, 11 + count))
    assert other.keys.tolist() == held + [NO_KEY] * (6 - len(held))
    assert torch.equal(other.labels[: len(held)].long(), maps(*range(count + 1))[:, 0])


@pytest.mark.parametrize('options', [dict(num_classes=5), dict(size=16), dict(coarse_size=2)])
def test_maps_of_other_classes_or_sizes_are_not_half_taken_over(memory, options, warnings):
    memory.update(maps(0, 1), torch.arange(2))
    settings = dict(num_classes=CLASSES, capacity=4, size=8, coarse_size=4) | options
    other = LayoutMemory(**settings)
    other.keys[0] = 7  # it held one before
    other.load_state_dict(memory.state_dict())
    assert (other.keys == NO_KEY).all()
    assert (other.labels == 255).all()
    assert other.next_place == 0
    assert 'is empty' in warnings[0]


def test_a_temperature_near_zero_leaves_the_likeliest_map():
    memory = LayoutMemory(CLASSES, capacity=4, size=8, coarse_size=4, temperature=1e-12)
    memory.update(maps(0, 1, 2), torch.arange(3))
    torch.testing.assert_close(memory(certain(maps(1)), hole()), certain(maps(1)))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_gives_float32(memory, dtype):
    memory.update(maps(0, 1), torch.arange(2))
    with torch.autocast('cpu', torch.bfloat16):
        found = memory(certain(maps(0)).to(dtype), hole().to(dtype))
    assert found.dtype == torch.float32
    assert torch.equal(found, memory(certain(maps(0)), hole()))


@pytest.mark.parametrize(
    'options',
    [
        *(dict(capacity=0), dict(size=0), dict(size=24), dict(coarse_size=0), dict(capacity=1.5)),
        *(dict(temperature=0.0), dict(temperature=float('nan'))),
        *(dict(temperature='0.1'), dict(capacity='8')),
    ],
)
def test_impossible_settings_are_refused(options):
    (name, value) = next(iter(options.items()))
    with pytest.raises(UserError, match=rf"LayoutMemory needs .* got .*'{name}': {value!r}"):
        LayoutMemory(CLASSES, **options)


CPU = torch.device('cpu')


def stacked(*metas):
    return DataSample.stack([DataSample(mask=torch.zeros(1, 4, 4), metainfo=m) for m in metas])


def keys_of(*paths):
    return image_keys_of(stacked(*(dict(gt_path=path) for path in paths)), CPU)


def test_the_same_file_has_the_same_key_and_another_has_another():
    keys = keys_of('a/1.png', 'a/2.png', 'a/1.png', 'b/1.png')
    assert keys.dtype == torch.int64
    assert keys[0] == keys[2] == crc32(b'a/1.png')
    assert len(keys.unique()) == 3
    assert (keys >= 0).all()


def test_a_data_set_that_moved_has_the_same_keys():
    keys = keys_of('data/faces/train/1.png', '/other/place/train/1.png', './train/1.png')
    assert len(keys.unique()) == 1


def test_images_without_a_path_and_parts_of_images_have_none():
    assert image_keys_of(stacked({}, {}), CPU).tolist() == [NO_KEY] * 2
    parts = stacked(dict(is_part=True), dict(is_part=False))
    assert image_keys_of(parts, CPU).tolist() == [PART_KEY, NO_KEY]
