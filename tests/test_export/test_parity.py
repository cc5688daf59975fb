from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fbinpaint_mm.export import ExportError, NextRound, UnrolledRounds
from fbinpaint_mm.export.parity import compare, largest_differences, random_inputs

NAMES = ['composite', 'confidence']


def outputs(composite, confidence):
    return [np.full((1, 3, 2, 2), float(composite)), np.full((1, 1, 2, 2), confidence)]


class Step(SimpleNamespace):
    """Gives its inputs back: the image as the composite, the mask as the confidence."""

    output_names = NAMES

    def __call__(self, image, mask):
        return image, mask


def test_the_largest_difference_of_all_batches_as_a_share_of_the_range():
    found = largest_differences(
        NAMES, [outputs(100, 0.5), outputs(200, 1)], [outputs(49, 0.5), outputs(200, 0.75)]
    )
    assert found == {'composite': pytest.approx(51 / 255), 'confidence': 0.25}


def test_one_differing_pixel_counts():
    wrong = outputs(0, 0)
    wrong[0][0, 1, 1, 0] = -2.55
    found = largest_differences(NAMES, [wrong], [outputs(0.0, 0)])
    assert found['composite'] == pytest.approx(0.01)


@pytest.mark.parametrize('place', [0, 1])
def test_nan_and_wrong_shapes_never_pass(place):
    batches = [tuple(map(torch.from_numpy, outputs(0, 1)))] * 2
    found = [outputs(0, 1), outputs(0, 1)]
    found[place] = outputs(np.nan, 1)
    with pytest.raises(ExportError, match=r'more than 100 of the range: composite nan$'):
        compare(Step(), batches, found, 100)
    found[place] = [part[..., :1] for part in outputs(0, 1)]
    with pytest.raises(ExportError, match=r'of the range: composite inf, confidence inf$'):
        compare(Step(), batches, found, 100)


def test_all_outputs_beyond_the_tolerance_are_named_and_no_other():
    batch = tuple(map(torch.from_numpy, outputs(0, 1)))
    assert compare(Step(), [batch], [outputs(51, 0.7)], 0.4) == {
        'composite': pytest.approx(0.2),
        'confidence': pytest.approx(0.3),
    }
    with pytest.raises(ExportError) as error:
        compare(Step(), [batch], [outputs(51, 0.7)], 0.25)
    assert str(error.value) == (
        'differs from PyTorch by more than 0.25 of the range: confidence 0.3'
    )


def test_a_known_pixel_that_changes_in_its_last_bit_is_found():
    image, mask = torch.full((1, 3, 2, 2), 100.0), torch.zeros(1, 1, 2, 2)
    mask[..., 0, 0] = 1
    composite = image.numpy().copy()
    composite[..., 0, 0] = 101
    compare(Step(), [(image, mask)], [[composite, mask.numpy()]], 0.01)
    composite[0, 1, 1, 1] = np.nextafter(composite[0, 1, 1, 1], np.float32(0))
    with pytest.raises(ExportError, match=r'^1 values of known pixels do not come back'):
        compare(Step(), [(image, mask)], [[composite, mask.numpy()]], 0.01)


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
