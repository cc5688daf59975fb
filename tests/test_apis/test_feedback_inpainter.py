"""From pictures to results, and what is said about input that cannot be."""

import doctest

import numpy as np
import pytest

from fbinpaint_mm.apis import feedback_inpainter

FORMATS = [
    ((20, 24), 'uint8'),
    ((20, 24, 1), 'uint16'),
    ((21, 26, 2), 'uint8'),
    ((21, 26, 3), 'uint8'),
    ((21, 26, 3), 'uint16'),
    ((19, 23, 4), 'uint8'),
    ((19, 23, 4), 'uint16'),
]


def test_the_example_of_the_class_runs():
    found = doctest.testmod(feedback_inpainter)
    assert found.attempted >= 10
    assert found.failed == 0


@pytest.mark.parametrize('max_side', [512, 16])
@pytest.mark.parametrize(('shape', 'dtype'), FORMATS)
def test_known_pixels_and_alpha_come_back_bit_identical(
    inpainter, make_picture, make_hole, shape, dtype, max_side
):
    image, hole = make_picture(shape, dtype), make_hole(shape[:2])
    given = image.copy(), hole.copy()
    result = inpainter.inpaint(image, hole, return_rounds=True, max_side=max_side)
    assert np.array_equal(image, given[0])
    assert np.array_equal(hole, given[1])
    for one in [result, *result.rounds]:
        assert one.image.dtype == image.dtype
        assert one.image.shape == image.shape
        assert np.array_equal(one.image[~hole], image[~hole])
        if shape[2:] in [(2,), (4,)]:
            assert np.array_equal(one.image[..., -1], image[..., -1])
        assert (one.confidence[~hole] == 1).all()
        assert one.confidence.dtype == np.float32
        assert 0 <= one.confidence.min() < 1
    changed = (result.image != image).reshape(*hole.shape, -1).any(-1)
    assert changed[hole].mean() > 0.9
    assert np.array_equal(result.image, result.rounds[-1].image)
    assert len(result.rounds) == result.rounds_run + 1 == 3
