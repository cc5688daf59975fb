from __future__ import annotations

import pytest

from fbinpaint_mm.datasets.image_size import checked_size, size_of_sample
from fbinpaint_mm.user_error import UserError


@pytest.mark.parametrize(
    ('given', 'expected'), [(64, (64, 64)), ((48, 64), (48, 64)), ([48, 64], (48, 64))]
)
def test_a_side_or_both(given, expected):
    assert checked_size(given) == expected


@pytest.mark.parametrize('given', ['x', 'xy', '64', 0, -8, 1.5, (64,), (1, 2, 3), (64, 0), None])
def test_all_else_is_refused(given):
    with pytest.raises(UserError, match=r'^image_size: found .*, expected a side or'):
        checked_size(given)


def test_the_size_of_a_transform_goes_before_that_of_the_data_set():
    assert size_of_sample((8, 9), dict(image_size=(1, 2)), 'Crop') == (8, 9)
    assert size_of_sample(None, dict(image_size=(1, 2)), 'Crop') == (1, 2)
    with pytest.raises(UserError, match=r'^Crop needs image_size'):
        size_of_sample(None, {}, 'Crop')
