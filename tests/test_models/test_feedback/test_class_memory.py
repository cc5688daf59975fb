from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

from fbinpaint_mm.models.feedback import (
    ClassMemory,
    class_occupancy,
    cosine_to_prototypes,
    cross_image_weight,
    one_hot_where_known,
)
from fbinpaint_mm.user_error import UserError

# 2 x 2 pixels of 2 channels, and their classes: class 0 has (3, 0) and (0, 2), class 1 has (6, 8).
FEATURES = torch.tensor([[3.0, 0.0], [0.0, 2.0], [6.0, 8.0], [9.0, 9.0]]).T.reshape(1, 2, 2, 2)
LABELS = torch.tensor([[[[0, 0], [1, 255]]]])


def state(memory: ClassMemory) -> tuple[Tensor, Tensor]:
    return memory.prototypes.clone(), memory.updates.clone()


def unchanged(memory: ClassMemory, before: tuple[Tensor, Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(state(memory), before, strict=True))


@pytest.fixture
def memory() -> ClassMemory:
    """Three classes, of which the first two were seen once."""
    memory = ClassMemory(3, 2, momentum=0.9)
    memory.update(FEATURES, LABELS)
    return memory


def test_starts_empty():
    memory = ClassMemory(3, 2)
    assert torch.equal(memory.prototypes, torch.zeros(3, 2))
    assert not memory.seen.any()


def test_first_sight_is_taken_over_whole(memory):
    expected = torch.tensor([[0.5, 0.5], [0.6, 0.8], [0.0, 0.0]])
    torch.testing.assert_close(memory.prototypes, expected)
    assert memory.updates.tolist() == [1, 1, 0]
    assert memory.seen.tolist() == [True, True, False]


def test_later_sights_are_averaged(memory):
    # Class 0 sees (0, 5); class 1 nothing; class 2 sees (-4, 0) for the first time.
    features = torch.tensor([[0.0, 5.0], [-4.0, 0.0]]).T.reshape(1, 2, 1, 2)
    memory.update(features, torch.tensor([[[0, 2]]]))

    expected = torch.tensor([[0.45, 0.55], [0.6, 0.8], [-1.0, 0.0]])
    torch.testing.assert_close(memory.prototypes, expected)
    assert memory.updates.tolist() == [2, 1, 1]


def test_cells_count_by_the_area_of_the_class():
    features = torch.randn(2, 5, 2, 3)
    labels = torch.randint(0, 4, (2, 1, 4, 6))
    labels[labels == 3] = 255
    memory = ClassMemory(3, 5)
    memory.update(features, labels)

    total, area = np.zeros((3, 5)), np.zeros((3, 1))
    for n, y, x in np.ndindex(2, 4, 6):
        k, pixel = labels[n, 0, y, x].item(), features[n, :, y // 2, x // 2].numpy()
        if k != 255:
            total[k] += pixel / np.linalg.norm(pixel)
            area[k] += 1
    np.testing.assert_allclose(memory.prototypes, total / area, atol=1e-6)


def test_float16_features_give_the_same_prototypes():
    features = torch.full((1, 512, 4, 4), 300.0, dtype=torch.float16)
    memory = ClassMemory(2, 512)
    memory.update(features, torch.zeros(1, 1, 8, 8, dtype=torch.long))
    torch.testing.assert_close(memory.prototypes[0], torch.full((512,), 512**-0.5))


@pytest.mark.parametrize(
    ('features', 'labels'),
    [
        (torch.zeros(0, 2, 2, 2), torch.zeros(0, 1, 4, 4, dtype=torch.long)),
        (torch.randn(1, 2, 2, 2), torch.full((1, 1, 4, 4), 255)),
    ],
    ids=['empty batch', 'nothing labeled'],
)
def test_batch_without_a_label_changes_nothing(memory, features, labels):
    before = state(memory)
    memory.update(features, labels)
    assert unchanged(memory, before)


def test_takes_and_gives_no_gradient():
    memory = ClassMemory(3, 2)
    features = FEATURES.clone().requires_grad_()
    memory.update(features, LABELS)
    assert not list(memory.parameters())
    assert not memory.prototypes.requires_grad
    assert features.grad is None


def test_checkpoint_round_trip(memory):
    other = ClassMemory(3, 2, momentum=0.9)
    other.load_state_dict(memory.state_dict())
    assert unchanged(other, state(memory))

    for each in (memory, other):
        each.update(FEATURES.flip(1), LABELS)
    assert unchanged(other, state(memory))


@pytest.mark.parametrize('momentum', [-0.1, 1, 1.5])
def test_momentum_outside_its_range_is_refused(momentum):
    message = rf'momentum of ClassMemory must be in \[0, 1\), got {momentum}'
    with pytest.raises(UserError, match=message):
        ClassMemory(3, 2, momentum=momentum)


def test_postponed_parts_move_it_as_one_batch(memory):
    features, labels = torch.randn(4, 2, 2, 2), torch.randint(0, 3, (4, 1, 4, 4))
    other = ClassMemory(3, 2, momentum=0.9)
    other.load_state_dict(memory.state_dict())
    before = state(memory)
    memory.update(features[:1], labels[:1], postpone=True)
    memory.update(features[:0], labels[:0], postpone=True)
    assert unchanged(memory, before)
    memory.update(features[1:], labels[1:])
    other.update(features, labels)
    torch.testing.assert_close(memory.prototypes, other.prototypes)
    assert torch.equal(memory.updates, other.updates)
    memory.update(FEATURES, LABELS)
    other.update(FEATURES, LABELS)
    torch.testing.assert_close(memory.prototypes, other.prototypes)


def test_cosine_equals_scipy():
    features = torch.randn(2, 5, 3, 4)
    prototypes = torch.randn(3, 5)
    pixels = features.permute(0, 2, 3, 1).reshape(-1, 5).numpy()
    expected = 1 - cdist(pixels, prototypes.numpy(), metric='cosine')

    found = cosine_to_prototypes(features, prototypes)

    assert found.shape == (2, 3, 3, 4)
    np.testing.assert_allclose(found.permute(0, 2, 3, 1).reshape(-1, 3), expected, atol=1e-6)


def test_cosine_by_hand():
    features = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    prototypes = torch.tensor([[2.0, 0.0], [0.0, -5.0], [30.0, 40.0]])
    found = cosine_to_prototypes(features, prototypes).flatten()
    torch.testing.assert_close(found, torch.tensor([0.6, -0.8, 1.0]))


def test_class_not_seen_and_empty_pixel_have_cosine_zero():
    features = torch.randn(1, 4, 2, 2)
    features[..., 0, 0] = 0
    prototypes = torch.randn(3, 4)
    prototypes[1] = 0

    found = cosine_to_prototypes(features, prototypes)

    assert (found[:, 1] == 0).all()
    assert (found[..., 0, 0] == 0).all()
    assert (found[:, [0, 2], 1, 1] != 0).all()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_wide_half_precision_features_do_not_overflow(dtype):
    # The sum of squares is 4.6e7; float16 ends at 6.6e4.
    features = torch.full((1, 512, 2, 2), 300.0, dtype=dtype)
    prototypes = torch.stack([torch.ones(512), -torch.ones(512)]).to(dtype)

    found = cosine_to_prototypes(features, prototypes)

    assert found.dtype == torch.float32
    torch.testing.assert_close(found[0, :, 0, 0], torch.tensor([1.0, -1.0]))


def test_autocast_changes_nothing():
    features = torch.randn(2, 16, 3, 4)
    prototypes = torch.randn(5, 16)
    expected = cosine_to_prototypes(features, prototypes)

    with torch.autocast('cpu', torch.bfloat16):
        found = cosine_to_prototypes(features, prototypes)

    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_occupancy_counts_the_pixels_of_each_cell():
    labels = torch.tensor([[0, 0, 1, 2, 255, 255], [0, 1, 1, 2, 255, 0]]).unsqueeze(0)
    # Cells of 2 x 2 pixels: (0, 0, 0, 1), (1, 2, 1, 2), (255, 255, 255, 0).
    expected = torch.tensor([[0.75, 0.0, 0.25], [0.25, 0.5, 0.0], [0.0, 0.5, 0.0]])

    found = class_occupancy(labels, 3, (1, 3))

    assert found.dtype == torch.float32
    assert torch.equal(found, expected.view(1, 3, 1, 3))
    assert torch.equal(class_occupancy(labels.unsqueeze(1), 3, (1, 3)), found)


def test_occupancy_equals_numpy():
    labels = torch.randint(0, 5, (2, 8, 12))
    labels[labels == 4] = 255
    found = class_occupancy(labels, 4, (4, 3)).numpy()

    for n, k, y, x in np.ndindex(found.shape):
        cell = labels[n, 2 * y : 2 * y + 2, 4 * x : 4 * x + 4].numpy()
        assert found[n, k, y, x] == pytest.approx((cell == k).mean())


def test_occupancy_of_unknown_labels_is_zero():
    labels = torch.full((2, 1, 4, 4), 255)
    assert torch.equal(class_occupancy(labels, 3, (2, 2)), torch.zeros(2, 3, 2, 2))


def test_weight_by_hand():
    cosine = torch.tensor([0.8, 0.3, -0.5]).view(1, 3, 1, 1)
    seen = torch.tensor([True, True, True])

    def weight(label, seen=seen):
        return cross_image_weight(cosine, torch.tensor([[[label]]]), seen).item()

    # Agreement is the cosine for the class of the label, one minus the cosine for the others.
    assert weight(0) == pytest.approx((0.8 + 0.7 + 1.0) / 3)
    assert weight(1) == pytest.approx((0.2 + 0.3 + 1.0) / 3)
    assert weight(2) == pytest.approx((0.2 + 0.7 + 0.0) / 3)
    assert weight(0, torch.tensor([True, False, True])) == pytest.approx((0.8 + 1.0) / 2)
    assert weight(1, torch.tensor([True, False, False])) == pytest.approx(0.2)


def test_weight_equals_numpy():
    cosine = torch.rand(2, 4, 3, 5) * 2 - 1
    label = torch.randint(0, 4, (2, 3, 5))
    seen = torch.tensor([True, False, True, True])

    found = cross_image_weight(cosine, label, seen)

    assert found.dtype == torch.float32
    for n, y, x in np.ndindex(2, 3, 5):
        each = [
            1 - abs(float(label[n, y, x] == k) - max(0.0, cosine[n, k, y, x].item()))
            for k in range(4)
            if seen[k]
        ]
        assert found[n, y, x].item() == pytest.approx(np.mean(each), abs=1e-6)


def test_weight_is_one_as_long_as_no_class_is_seen():
    label = torch.randint(0, 3, (2, 4, 4))
    cosine = torch.zeros(2, 3, 4, 4, dtype=torch.float16)
    found = cross_image_weight(cosine, label, torch.zeros(3, dtype=torch.bool))
    assert found.dtype == torch.float32
    assert torch.equal(found, torch.ones(2, 4, 4))


def test_planes_by_hand():
    labels = torch.tensor([[[[0, 2], [255, 1]]]])
    planes, known = one_hot_where_known(labels, 3)
    assert planes.tolist() == [[[[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 1], [0, 0]]]]
    assert known.tolist() == [[[[True, True], [False, True]]]]
    without_channel, same = one_hot_where_known(labels[:, 0], 3)
    assert torch.equal(without_channel, planes)
    assert torch.equal(same, known)
