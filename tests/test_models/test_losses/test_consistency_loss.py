from __future__ import annotations

import pytest
import torch
from scipy.stats import entropy

from fbinpaint_mm.models.losses import ConsistencyLoss
from fbinpaint_mm.user_error import UserError


def batch(n: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits of the student, probabilities of the teacher, weight and hole."""
    return (
        torch.randn(n, 3, 4, 5),
        torch.randn(n, 3, 4, 5).softmax(1),
        torch.rand(n, 4, 5),
        torch.randint(0, 2, (n, 1, 4, 5)).float(),
    )


def test_by_hand():
    """Probabilities 3/4 : 1/4 against 1 : 0, and in the hole 1/2 : 1/2 against 1/4 : 3/4."""
    logits = torch.tensor([[3.0, 1.0], [1.0, 1.0]]).log().T.reshape(1, 2, 1, 2)
    teacher = torch.tensor([[1.0, 0.0], [0.25, 0.75]]).T.reshape(1, 2, 1, 2)
    weight, hole = torch.tensor([[[0.2, 0.6]]]), torch.tensor([[[[0.0, 1.0]]]])
    expected = (0.2 * 0.287682 + 4 * 0.6 * 0.130812) / (0.2 + 4 * 0.6)

    found = ConsistencyLoss()(logits, teacher, weight, hole)

    assert found.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('hole_weight', [0.0, 3.0])
def test_equals_scipy(hole_weight):
    logits, teacher, weight, hole = batch()
    found = ConsistencyLoss(2.0, hole_weight)(logits, teacher, weight, hole)

    divergence = entropy(teacher.double().numpy(), logits.double().softmax(1).numpy(), axis=1)
    weight = (weight * torch.where(hole[:, 0] == 1, 1 + hole_weight, 1.0)).numpy()
    expected = 2.0 * (divergence * weight).sum() / weight.sum()
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_zero_and_at_rest_where_student_and_teacher_agree():
    logits, _, weight, hole = batch()
    logits.requires_grad_()
    loss = ConsistencyLoss()(logits, logits.detach().softmax(1), weight, hole)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(logits.grad, torch.zeros_like(logits), rtol=0, atol=1e-6)


def test_gradient_is_that_of_the_cross_entropy_to_soft_labels():
    logits, teacher, weight, hole = batch()
    logits.requires_grad_()
    ConsistencyLoss(hole_weight=0)(logits, teacher, torch.ones_like(weight), hole).backward()
    expected = (logits.detach().softmax(1) - teacher) / weight.numel()
    torch.testing.assert_close(logits.grad, expected)


def test_size_of_the_weights_does_not_matter():
    logits, teacher, weight, hole = batch()
    loss = ConsistencyLoss()
    torch.testing.assert_close(
        loss(logits, teacher, weight * 0.01, hole), loss(logits, teacher, weight, hole)
    )


@pytest.mark.parametrize('images', [0, 2])
def test_exactly_zero_when_nothing_has_a_weight(images):
    logits, teacher, weight, hole = batch(images)
    logits.requires_grad_()

    loss = ConsistencyLoss()(logits, teacher, torch.zeros_like(weight), hole)
    loss.backward()

    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_float16_logits_give_a_float32_loss():
    logits, teacher, weight, hole = batch()
    loss = ConsistencyLoss()(logits.half() * 1000, teacher, weight, hole)
    assert loss.dtype == torch.float32
    assert loss.isfinite()


def test_a_negative_weight_is_refused():
    with pytest.raises(UserError, match=r'^hole_weight must be 0 or more, got -0\.5$'):
        ConsistencyLoss(hole_weight=-0.5)
