from __future__ import annotations

import torch

from fbinpaint_mm.export import NextRound, UnrolledRounds
from fbinpaint_mm.export.random_inputs import random_inputs


def test_inputs_are_as_the_steps_want_them(model):
    step = NextRound(model)
    found = dict(zip(step.input_names, random_inputs(step, 3, (8, 12), 0), strict=True))
    assert list(found) == [
        'image', 'mask', 'previous_composite', 'previous_map', 'previous_confidence',
    ]  # fmt: skip
    image = found['image']
    assert image.dtype == torch.float32
    assert image.equal(image.round())
    assert 0 <= image.min() < image.max() <= 255
    assert found['previous_map'].shape == (3, 5, 8, 12)
    torch.testing.assert_close(found['previous_map'].sum(1), torch.ones(3, 8, 12))


def test_holes_are_partial_whole_and_none(model):
    _, mask = random_inputs(UnrolledRounds(model, 1), 3, (8, 12), 0)
    assert mask.unique().tolist() == [0, 1]
    shares = mask.mean(dim=(1, 2, 3)).tolist()
    assert 0 < shares[0] < 1
    assert shares[1:] == [1, 0]


def test_a_seed_gives_the_same_and_another_seed_other_inputs(model):
    step = UnrolledRounds(model, 1)
    one, same, other = (random_inputs(step, 1, (4, 4), seed)[0] for seed in (1, 1, 2))
    assert one.equal(same)
    assert not one.equal(other)
