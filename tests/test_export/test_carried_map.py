from __future__ import annotations

import torch

from fbinpaint_mm.export.carried_map import CarriedMap


def test_probabilities_come_back_as_given_and_zeros_stay_zeros():
    given = torch.rand(2, 3, 4, 5).softmax(1)
    assert CarriedMap(given).probabilities.equal(given)
    assert not CarriedMap(torch.zeros(2, 3, 4, 5)).probabilities.any()


def test_logits_stand_for_the_same_map_and_are_finite():
    given = torch.tensor([0.0, 0.25, 0.75]).view(1, 3, 1, 1)
    logits = CarriedMap(given).logits
    assert logits.isfinite().all()
    torch.testing.assert_close(logits.softmax(1), given)
