from __future__ import annotations

import numpy as np
import pytest
import torch

from fbinpaint_mm.models.feedback import cosine_to_prototypes
from fbinpaint_mm.models.losses import PrototypeLoss
from fbinpaint_mm.models.losses.prototype_loss import areas_of_classes


def by_loops(features: np.ndarray, labels: np.ndarray, prototypes: np.ndarray) -> float:
    """Balanced binary cross entropy, pixel by pixel; labels at the size of the features."""
    pixels = np.moveaxis(features, 1, -1)[labels != 255].astype(np.float64)
    known = labels[labels != 255]
    per_class = []
    for k, prototype in enumerate(prototypes.astype(np.float64)):
        if not prototype.any() or not (known == k).any():
            continue
        norms = np.linalg.norm(pixels, axis=1) * np.linalg.norm(prototype)
        cosine = np.clip(pixels @ prototype / norms, 1e-4, 1 - 1e-4)
        positive, negative = -np.log(cosine[known == k]), -np.log(1 - cosine[known != k])
        per_class.append(positive.mean() + (negative.mean() if negative.size else 0))
    return float(np.mean(per_class))


def batch(classes: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    labels = torch.randint(0, classes, (2, 3, 5))
    labels[0, 0] = 255
    return torch.randn(2, 6, 3, 5), labels, torch.randn(classes, 6)


def test_by_hand():
    # Cosine of both pixels to class 0: 0.6 and 0.8; they are of class 0 and 1.
    features = torch.tensor([[3.0, 4.0], [4.0, 3.0]]).T.reshape(1, 2, 1, 2)
    prototypes = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    labels = torch.tensor([[[0, 1]]])
    # Class 0: -log 0.6 inside, -log(1 - 0.8) outside; class 1: cosine 0.8 and 0.6, the same.
    expected = -np.log(0.6) - np.log(0.2)

    assert PrototypeLoss()(features, labels, prototypes).item() == pytest.approx(expected, 1e-5)
    half = PrototypeLoss(loss_weight=0.5)(features, labels, prototypes)
    assert half.item() == pytest.approx(expected / 2, 1e-5)


@pytest.mark.parametrize('unseen', [[], [2], [0, 1]])
def test_equals_loops(unseen):
    features, labels, prototypes = batch()
    prototypes[unseen] = 0
    found = PrototypeLoss()(features, labels, prototypes)
    expected = by_loops(features.numpy(), labels.numpy(), prototypes.numpy())
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_absent_classes_do_not_count():
    features, labels, prototypes = batch()
    labels[labels == 3] = 0
    found = PrototypeLoss()(features, labels, prototypes)
    expected = by_loops(features.numpy(), labels.numpy(), prototypes.numpy())
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_labels_may_be_larger_than_features():
    features, labels, prototypes = batch()
    large = labels.repeat_interleave(2, 1).repeat_interleave(2, 2)
    found = PrototypeLoss()(features, large.unsqueeze(1), prototypes)
    torch.testing.assert_close(found, PrototypeLoss()(features, labels, prototypes))


def test_small_classes_are_not_drowned():
    """Ten times as many pixels outside of a class leave the loss as it is."""
    features = torch.rand(1, 3, 1, 2) + 0.1
    prototypes = torch.rand(2, 3) + 0.1
    loss = PrototypeLoss()(features, torch.tensor([[[0, 1]]]), prototypes)
    many = torch.cat([features[..., :1], features[..., 1:].expand(-1, -1, -1, 10)], dim=-1)
    labels = torch.tensor([[[0] + [1] * 10]])
    torch.testing.assert_close(PrototypeLoss()(many, labels, prototypes), loss)


@pytest.mark.parametrize('case', ['unknown', 'memory empty', 'class not seen', 'no image'])
def test_exactly_zero_without_a_labeled_pixel_of_a_seen_class(case):
    features, labels, prototypes = batch()
    if case == 'unknown':
        labels = torch.full_like(labels, 255)
    elif case == 'memory empty':
        prototypes = torch.zeros_like(prototypes)
    elif case == 'class not seen':
        labels, prototypes[1] = torch.ones_like(labels), 0
    else:
        features, labels = features[:0], labels[:0]
    features.requires_grad_()

    loss = PrototypeLoss()(features, labels, prototypes)
    loss.backward()

    assert loss.item() == 0
    assert torch.equal(features.grad, torch.zeros_like(features))


def test_a_step_moves_features_to_their_prototype_and_away_from_others():
    prototypes = torch.eye(3) + 0.3
    features = (torch.rand(1, 3, 2, 3) + 0.5).requires_grad_()
    labels = torch.tensor([[[0, 1, 2], [2, 1, 0]]])
    own = torch.nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2).bool()
    before = cosine_to_prototypes(features.detach(), prototypes)

    PrototypeLoss()(features, labels, prototypes).backward()
    after = cosine_to_prototypes((features - 0.01 * features.grad).detach(), prototypes)

    assert (after - before)[own].min() > 0
    assert (after - before)[~own].mean() < 0


def test_no_gradient_reaches_the_prototypes():
    features, labels, prototypes = batch()
    prototypes.requires_grad_()
    features.requires_grad_()
    PrototypeLoss()(features, labels, prototypes).backward()
    assert prototypes.grad is None
    assert features.grad.abs().sum() > 0


def test_wide_float16_features_stay_finite():
    features = torch.full((1, 512, 2, 2), 300.0, dtype=torch.float16, requires_grad=True)
    labels = torch.tensor([[[0, 1], [1, 0]]])
    loss = PrototypeLoss()(features, labels, torch.rand(2, 512))
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert features.grad.isfinite().all()


def test_halves_with_shared_areas_average_to_the_whole():
    """As two ranks of unequal batches do; class 3 is in one of them only."""
    features, labels, prototypes = batch()
    labels[1][labels[1] == 3] = 255
    whole = PrototypeLoss()(features, labels, prototypes)
    shared = areas_of_classes(labels, 4, (3, 5)) / 2
    halves = [
        PrototypeLoss()(features[i : i + 1], labels[i : i + 1], prototypes, shared) for i in (0, 1)
    ]
    torch.testing.assert_close(sum(halves) / 2, whole)
    alone = [PrototypeLoss()(features[i : i + 1], labels[i : i + 1], prototypes) for i in (0, 1)]
    assert abs(sum(alone) / 2 - whole) > 1e-3
