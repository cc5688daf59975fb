from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from fbinpaint_mm.models.feedback import CrossImageRecorrection
from fbinpaint_mm.user_error import UserError


def planes(n: int = 2, h: int = 4, w: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask and confidence."""
    return (torch.rand(n, 1, h, w) > 0.5).float(), torch.rand(n, 1, h, w)


def test_logits_are_unchanged_as_long_as_the_memory_is_empty():
    logits = torch.randn(2, 3, 4, 6)
    corrected = CrossImageRecorrection()(
        logits, torch.randn(2, 5, 2, 3), torch.zeros(3, 5), *planes()
    )
    assert torch.equal(corrected, logits)


def test_correction_by_hand():
    # Cosines 0.6 and 0.8, their mean 0.7; class 2 is not seen. Evidence (-0.1, 0.1, 0) / 0.1,
    # half of it through the gate, which starts at 0.5.
    features = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    prototypes = torch.tensor([[7.0, 0.0], [0.0, 0.2], [0.0, 0.0]])
    logits = torch.randn(1, 3, 2, 2)

    corrected = CrossImageRecorrection(temperature=0.1)(
        logits, features, prototypes, *planes(1, 2, 2)
    )

    expected = torch.tensor([-0.5, 0.5, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    torch.testing.assert_close(corrected - logits, expected)


def test_temperature_divides_and_the_gate_multiplies():
    logits, features = torch.randn(2, 3, 4, 6), torch.randn(2, 5, 2, 3)
    prototypes, rest = torch.randn(3, 5), planes()

    def correction(temperature, gate=0.0):
        module = CrossImageRecorrection(temperature)
        torch.nn.init.constant_(module.gate[-1].bias, gate)
        return module(logits, features, prototypes, *rest) - logits

    torch.testing.assert_close(correction(0.2), correction(0.1) / 2)
    torch.testing.assert_close(correction(0.1, gate=50.0), correction(0.1) * 2)
    assert torch.equal(correction(0.1, gate=-200.0), torch.zeros_like(logits))


def test_gate_reads_hole_and_confidence():
    module = CrossImageRecorrection()
    torch.nn.init.normal_(module.gate[-1].weight)
    logits, features, prototypes = (
        torch.randn(2, 3, 4, 6),
        torch.randn(2, 5, 2, 3),
        torch.randn(3, 5),
    )
    mask, confidence = planes()
    before = module(logits, features, prototypes, mask, confidence)
    for changed in ((1 - mask, confidence), (mask, 1 - confidence)):
        after = module(logits, features, prototypes, *changed)
        assert not torch.allclose(before, after)


@pytest.mark.parametrize('c', range(4))
def test_pixel_with_the_features_of_a_class_moves_towards_it(c):
    prototypes = torch.randn(4, 6)
    logits = torch.zeros(1, 4, 2, 2)
    features = (prototypes[c] * 9).view(1, 6, 1, 1)

    corrected = CrossImageRecorrection()(logits, features, prototypes, *planes(1, 2, 2))

    assert (corrected.argmax(1) == c).all()
    assert (corrected.softmax(1)[:, c] > 0.25).all()


@pytest.mark.parametrize('autocast', [False, True])
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_stays_finite_and_gives_float32(dtype, autocast):
    features = torch.full((1, 512, 2, 2), 300.0, dtype=dtype)
    features[:, ::2] *= -1
    logits = (torch.randn(1, 3, 4, 4) * 1e4).to(dtype)
    module, rest = CrossImageRecorrection(), planes(1, 4, 4)
    torch.nn.init.normal_(module.gate[-1].weight)
    prototypes = torch.randn(3, 512)

    with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
        corrected = module(logits, features, prototypes, *rest)

    expected = module(logits.float(), features.float(), prototypes, *rest)
    assert corrected.dtype == torch.float32
    assert corrected.isfinite().all()
    assert torch.equal(corrected, expected)


def test_gradients_reach_gate_features_and_logits():
    module = CrossImageRecorrection()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    logits = torch.randn(2, 3, 4, 6, requires_grad=True)
    features = torch.randn(2, 5, 2, 3, requires_grad=True)
    prototypes, rest = torch.randn(3, 5), planes()
    label = torch.randint(0, 3, (2, 4, 6))

    for _ in range(2):  # the last layer of the gate starts at zero and blocks the first at first
        optimizer.zero_grad()
        corrected = module(logits, features, prototypes, *rest)
        F.cross_entropy(corrected, label).backward()
        optimizer.step()

    for tensor in (logits, features, *module.parameters()):
        assert tensor.grad.isfinite().all()
        assert tensor.grad.abs().sum() > 0


@pytest.mark.parametrize('temperature', [0, -1])
def test_temperature_must_be_positive(temperature):
    message = f'temperature of CrossImageRecorrection must be positive, got {temperature}'
    with pytest.raises(UserError, match=message):
        CrossImageRecorrection(temperature=temperature)
