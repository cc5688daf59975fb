from pathlib import Path

import numpy as np
import pytest

from fbinpaint_mm.apis.folder_inpainting import Job, MaskFromColor
from fbinpaint_mm.apis.picture import Picture

JOB = Job(Path('a.png'), 'a.png')
MAGENTA = (255, 0, 255)


@pytest.mark.parametrize(('dtype', 'scale'), [(np.uint8, 1), (np.uint16, 257)])
@pytest.mark.parametrize(
    ('tolerance', 'expected'), [(0, [1, 0, 0, 0]), (10, [1, 1, 0, 0]), (11, [1, 1, 1, 0])]
)
def test_each_of_red_green_and_blue_may_differ_by_the_tolerance(dtype, scale, tolerance, expected):
    pixels = np.array([[MAGENTA, (245, 10, 250), (255, 11, 255), (255, 255, 255)]]) * scale
    hole = MaskFromColor(MAGENTA, tolerance).hole(JOB, Picture(pixels.astype(dtype)))
    assert hole.tolist() == [[bool(value) for value in expected]]


def test_alpha_does_not_count_and_grey_is_compared_with_all_three():
    magenta = np.array([[(*MAGENTA, 7)]], np.uint8)
    assert MaskFromColor(MAGENTA).hole(JOB, Picture(magenta)).tolist() == [[True]]
    grey = Picture(np.array([[9, 10, 255]], np.uint8))
    assert MaskFromColor((10, 10, 10)).hole(JOB, grey).tolist() == [[False, True, False]]
    assert not MaskFromColor(MAGENTA).hole(JOB, grey).any()


def test_colour_and_tolerance_make_another_mask():
    sources = [MaskFromColor(MAGENTA), MaskFromColor(MAGENTA, 1), MaskFromColor((0, 0, 0))]
    assert len({str(source.identity(JOB)) for source in sources}) == 3
