"""The networks before they are exported, against the loop that they are made of."""

from __future__ import annotations

import pytest
import torch

from fbinpaint_mm.export import InitialRound, NextRound, UnrolledRounds
from fbinpaint_mm.export.exported_step import CarriedMap


@pytest.fixture
def masked(picture):
    """What the loop itself reads: BGR in [-1, 1], 0 in the hole."""
    image, mask = picture
    return (image.flip(1) / 127.5 - 1) * (1 - mask), mask


def test_unrolled_rounds_are_the_rounds_of_the_loop(model, picture, masked):
    with torch.no_grad():
        composite, semantic_map, confidence = UnrolledRounds(model, 2)(*picture)
        last = model.loop(*masked, 2)[-1]
    torch.testing.assert_close(composite, (last.composite.flip(1) + 1) * 127.5, rtol=0, atol=1e-3)
    torch.testing.assert_close(semantic_map, last.semantics.probabilities, rtol=0, atol=1e-5)
    torch.testing.assert_close(confidence, last.confidence, rtol=0, atol=1e-5)


def test_a_further_round_goes_on_from_what_it_is_given(model, picture):
    """Not from the image: another state leads elsewhere."""
    first, following = InitialRound(model), NextRound(model)
    with torch.no_grad():
        state = following(*picture, *first(*picture))
        found = following(*picture, *state)
        for place in range(3):
            other = [*state]
            other[place] = other[place].flip(0)
            assert not torch.allclose(following(*picture, *other)[0], found[0], atol=0.01)


def test_rgb_models_are_fed_rgb(build, picture):
    preprocessor = dict(
        type='SemiSupervisedDataPreprocessor', num_classes=5, output_channel_order='RGB'
    )
    model = build(model=dict(data_preprocessor=preprocessor))
    image, mask = picture
    with torch.no_grad():
        composite, *_ = UnrolledRounds(model, 1)(image, mask)
        last = model.loop((image / 127.5 - 1) * (1 - mask), mask, 1)[-1]
    torch.testing.assert_close(composite, (last.composite + 1) * 127.5, rtol=0, atol=1e-3)


def test_carried_probabilities_come_back_as_given_and_zeros_stay_zeros():
    given = torch.rand(2, 3, 4, 5).softmax(1)
    assert CarriedMap(given).probabilities.equal(given)
    assert not CarriedMap(torch.zeros(2, 3, 4, 5)).probabilities.any()


def test_carried_logits_stand_for_the_same_map_and_are_finite():
    given = torch.tensor([0.0, 0.25, 0.75]).view(1, 3, 1, 1)
    logits = CarriedMap(given).logits
    assert logits.isfinite().all()
    torch.testing.assert_close(logits.softmax(1), given)
