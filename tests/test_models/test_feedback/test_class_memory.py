from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from fbinpaint_mm.models.feedback import ClassMemory

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
    ids=['empty batch', 'nothing labelled'],
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
    with pytest.raises(ValueError, match=message):
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
