from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from fbinpaint_mm.models.feedback import (
    class_occupancy,
    cosine_to_prototypes,
    cross_image_weight,
)


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
