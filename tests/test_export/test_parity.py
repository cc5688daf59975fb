from __future__ import annotations

import numpy as np
import pytest
import torch

from fbinpaint_mm.export import ExportError
from fbinpaint_mm.export.parity import check_known_pixels, check_parity, largest_differences

NAMES = ['composite', 'confidence']


def outputs(composite, confidence):
    return [np.full((1, 3, 2, 2), float(composite)), np.full((1, 1, 2, 2), confidence)]


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
    batches = [outputs(0.0, 0.0), outputs(0.0, 0.0)]
    batches[place] = outputs(np.nan, 0.0)
    found = largest_differences(NAMES, batches, [outputs(0.0, 0.0)] * 2)
    with pytest.raises(ExportError, match=r'more than 100 of the range: composite nan'):
        check_parity(found, 100)
    cut = [part[..., :1] for part in outputs(0.0, 0.0)]
    found = largest_differences(NAMES, [cut], [outputs(0.0, 0.0)])
    assert found == {'composite': np.inf, 'confidence': np.inf}


def test_all_outputs_beyond_the_tolerance_are_named_and_no_other():
    differences = {'composite': 0.2, 'map': 0.1, 'confidence': 0.3}
    check_parity(differences, 0.3)
    with pytest.raises(ExportError) as error:
        check_parity(differences, 0.1)
    assert str(error.value) == (
        'differs from PyTorch by more than 0.1 of the range: composite 0.2, confidence 0.3'
    )


def test_a_known_pixel_that_changes_in_its_last_bit_is_found():
    image, mask = torch.full((1, 3, 2, 2), 100.0), torch.zeros(1, 1, 2, 2)
    mask[..., 0, 0] = 1
    composite = image.numpy().copy()
    composite[..., 0, 0] = 7
    check_known_pixels([(image, mask)], [[composite]])
    composite[0, 1, 1, 1] = np.nextafter(composite[0, 1, 1, 1], np.float32(0))
    with pytest.raises(ExportError, match=r'^1 values of known pixels do not come back'):
        check_known_pixels([(image, mask)], [[composite]])
