import hashlib
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fbinpaint_mm.apis.folder_inpainting import (
    Job,
    generated_mask,
    mask_from_alpha,
    mask_from_color,
    mask_from_file,
)
from fbinpaint_mm.apis.folder_inpainting.mask_sources import dilated
from fbinpaint_mm.picture import Picture
from fbinpaint_mm.user_error import UserError

JOB = Job(Path('a.png'), 'a.png')
MAGENTA = (255, 0, 255)


def test_white_is_the_hole_of_a_file(save_image):
    job = Job(Path('a.png'), 'a.png', save_image('m.png', np.array([[0, 127, 128, 255]], np.uint8)))
    found = mask_from_file(job, Picture(np.zeros((1, 4), np.uint8)))
    assert found.tolist() == [[False, False, True, True]]
    with pytest.raises(UserError, match=r'found size 1x4 .* expected that of the image, 3x5'):
        mask_from_file(job, Picture(np.zeros((3, 5), np.uint8)))


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('channels', [2, 4])
def test_what_is_not_opaque_is_the_hole(dtype, channels):
    pixels = np.zeros((1, 3, channels), dtype)
    top = np.iinfo(dtype).max
    pixels[0, :, -1] = [0, top - 1, top]
    assert mask_from_alpha(JOB, Picture(pixels)).tolist() == [[True, True, False]]


@pytest.mark.parametrize('shape', [(2, 4), (2, 4, 3)])
def test_a_picture_without_alpha_is_refused(shape):
    with pytest.raises(UserError, match='no alpha channel to take the hole from'):
        mask_from_alpha(JOB, Picture(np.zeros(shape, np.uint8)))


@pytest.mark.parametrize(('dtype', 'scale'), [(np.uint8, 1), (np.uint16, 257)])
@pytest.mark.parametrize(
    ('tolerance', 'expected'), [(0, [1, 0, 0, 0]), (10, [1, 1, 0, 0]), (11, [1, 1, 1, 0])]
)
def test_each_of_red_green_and_blue_may_differ_by_the_tolerance(dtype, scale, tolerance, expected):
    pixels = np.array([[MAGENTA, (245, 10, 250), (255, 11, 255), (255, 255, 255)]]) * scale
    hole = mask_from_color(JOB, Picture(pixels.astype(dtype)), MAGENTA, tolerance)
    assert hole.tolist() == [[bool(value) for value in expected]]


def test_alpha_does_not_count_and_gray_is_compared_with_all_three():
    magenta = Picture(np.array([[(*MAGENTA, 7)]], np.uint8))
    assert mask_from_color(JOB, magenta, MAGENTA).tolist() == [[True]]
    gray = Picture(np.array([[9, 10, 255]], np.uint8))
    assert mask_from_color(JOB, gray, (10, 10, 10)).tolist() == [[False, True, False]]
    assert not mask_from_color(JOB, gray, MAGENTA).any()


def generated(name='a.png', size=(64, 96), **settings):
    picture = Picture(np.zeros(size, np.uint8))
    return generated_mask(Job(Path(name), 'any.png'), picture, **settings)


def test_a_generated_hole_is_the_same_on_every_machine():
    digest = hashlib.sha256(np.packbits(generated(kind='mixed', seed=3)).tobytes())
    assert digest.hexdigest().startswith('a4cecd5c30394520')


def test_a_generated_hole_depends_on_seed_and_name_only():
    draw = partial(generated, kind='irregular')
    assert draw().dtype == bool
    assert np.array_equal(draw(), draw('other/folder/a.jpg'))
    assert not np.array_equal(draw(), draw('b.png'))
    assert not np.array_equal(draw(), draw(seed=1))


def test_a_name_that_is_no_text_has_a_hole_too():
    found = [generated(os.fsdecode(b'a' + byte + b'.png')) for byte in (b'\xff', b'\xfe')]
    assert not np.array_equal(*found)


def test_an_accented_name_is_one_name_however_it_is_stored():
    assert np.array_equal(generated('caf\u00e9.png'), generated('cafe\u0301.png'))


@pytest.mark.parametrize('kind', ['irregular', 'box', 'mixed'])
def test_the_area_lies_in_the_range(kind):
    areas = [generated(f'{i}.png', kind=kind, area=(0.2, 0.25)).mean() for i in range(20)]
    assert 0.2 < min(areas) < max(areas) < 0.25


def corners(mask):
    """Whether three of four neighboring pixels are hole: steps of round shapes, rare in boxes."""
    blocks = mask[:-1, :-1].astype(int) + mask[1:, :-1] + mask[:-1, 1:] + mask[1:, 1:]
    return np.isin(blocks, (1, 3)).sum()


def test_boxes_are_straight_and_strokes_are_not():
    names = [f'{index}.png' for index in range(10)]
    boxes = [corners(generated(name, kind='box')) for name in names]
    strokes = [corners(generated(name, kind='irregular')) for name in names]
    assert max(boxes) < min(strokes)


def test_a_dilated_hole_is_larger_in_all_directions():
    hole = np.zeros((16, 24), bool)
    hole[8, 12] = True
    rows, columns = np.nonzero(dilated(hole, 2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 10, 10, 14)
    assert np.array_equal(dilated(hole, 0), hole)
