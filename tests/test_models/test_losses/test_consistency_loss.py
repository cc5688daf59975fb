from __future__ import annotations

import pytest
import torch
from sklearn.metrics import log_loss

from fbinpaint_mm.models.losses import ConsistencyLoss
from fbinpaint_mm.user_error import UserError


def batch(n: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, pseudo label, weight and probability."""
    return (
        torch.randn(n, 3, 4, 5),
        torch.randint(0, 3, (n, 4, 5)),
        torch.rand(n, 4, 5),
        torch.rand(n, 4, 5),
    )


def test_by_hand():
    # Probabilities 3/4 : 1/4 and 1/2 : 1/2.
    logits = torch.tensor([[3.0, 1.0], [1.0, 1.0]]).log().T.reshape(1, 2, 1, 2)
    label = torch.tensor([[[0, 1]]])
    weight = torch.tensor([[[0.2, 0.6]]])
    expected = (0.2 * 0.287682 + 0.6 * 0.693147) / 0.8

    found = ConsistencyLoss()(logits, label, weight, torch.ones(1, 1, 2))

    assert found.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('threshold', [0.0, 0.5])
def test_equals_scikit_learn(threshold):
    logits, label, weight, probability = batch()
    found = ConsistencyLoss(3.0, threshold)(logits, label, weight, probability)

    trusted = weight * (probability >= threshold)
    expected = log_loss(
        label.flatten().numpy(),
        logits.double().softmax(1).permute(0, 2, 3, 1).reshape(-1, 3).numpy(),
        sample_weight=trusted.flatten().numpy(),
        labels=[0, 1, 2],
    )
    assert found.item() == pytest.approx(3.0 * expected, rel=1e-5)


def test_size_of_the_weights_does_not_matter():
    logits, label, weight, probability = batch()
    loss = ConsistencyLoss()
    torch.testing.assert_close(
        loss(logits, label, weight * 0.01, probability), loss(logits, label, weight, probability)
    )


def test_a_probability_at_the_threshold_is_trusted():
    logits, label, weight, _ = batch()
    loss = ConsistencyLoss(confidence_threshold=0.5)
    everywhere = torch.full_like(weight, 0.5)
    torch.testing.assert_close(
        loss(logits, label, weight, everywhere),
        ConsistencyLoss()(logits, label, weight, everywhere),
    )


@pytest.mark.parametrize('case', ['below threshold', 'no weight', 'no image'])
def test_exactly_zero_when_no_pixel_is_trusted(case):
    logits, label, weight, probability = batch(0 if case == 'no image' else 2)
    if case == 'below threshold':
        probability = probability * 0.8
    if case == 'no weight':
        weight = torch.zeros_like(weight)
    logits.requires_grad_()

    loss = ConsistencyLoss(confidence_threshold=0.9)(logits, label, weight, probability)
    loss.backward()

    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_untrusted_pixels_get_no_gradient():
    logits, label, weight, probability = batch()
    logits.requires_grad_()
    ConsistencyLoss(confidence_threshold=0.5)(logits, label, weight, probability).backward()
    reached = logits.grad.abs().sum(1) > 0
    assert torch.equal(reached, probability >= 0.5)


def test_float16_logits_give_a_float32_loss():
    logits, label, weight, probability = batch()
    logits = logits.half() * 1000
    loss = ConsistencyLoss()(logits, label, weight, probability)
    assert loss.dtype == torch.float32
    assert loss.isfinite()


@pytest.mark.parametrize('threshold', [-0.1, 1, 2.5])
def test_threshold_outside_its_range_is_refused(threshold):
    message = rf'confidence_threshold must be in \[0, 1\), got {threshold}'
    with pytest.raises(UserError, match=message):
        ConsistencyLoss(confidence_threshold=threshold)
