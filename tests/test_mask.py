"""One rule says what the hole is, and all who read masks keep to it."""

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.apis.hole_and_map import read_hole
from fbinpaint_mm.datasets.transforms import HoleFromFolder
from fbinpaint_mm.mask import hole_of
from fbinpaint_mm.picture import Picture
from fbinpaint_mm.user_error import UserError

HOLE = np.zeros((12, 16), bool)
HOLE[3:8, 5:12] = True
ONES = HOLE.astype(np.uint8)
FULL = np.full_like(ONES, 255)


def brush(*color, around=(0, 0, 0, 0)):
    return np.where(HOLE[..., None], color, around[: len(color)]).astype(np.uint8)


MASKS = {
    'black and white': ONES * 255,
    'zeros and ones': ONES,
    'anti-aliased': np.where(HOLE, 200, 90).astype(np.uint8),
    'red brush': brush(255, 0, 0),
    'green brush': brush(0, 255, 0),
    'blue brush': brush(0, 0, 255),
    'zeros and ones, opaque': np.dstack([ONES, ONES, ONES, FULL]),
    'gray and alpha': np.dstack([ONES * 255, FULL]),
    'half-transparent brush': brush(255, 255, 255, 100),
    'faint red brush': brush(255, 0, 0, 1),
    'white layer': brush(255, 255, 255, 255, around=(255, 255, 255, 0)),
    '16 bit, zeros and ones': HOLE.astype(np.uint16),
    '16 bit, up to 255': HOLE.astype(np.uint16) * 255,
    '16 bit': HOLE.astype(np.uint16) * 65535,
}


@pytest.mark.parametrize('name', MASKS)
def test_all_readers_find_one_hole(tmp_path, load_tool, name):
    path = tmp_path / 'mask.png'
    Image.fromarray(MASKS[name]).save(path)
    picture = np.zeros((*HOLE.shape, 3), np.uint8)
    for found in (
        hole_of(MASKS[name]),
        read_hole(path, Picture(picture)),
        HoleFromFolder(str(tmp_path))(dict(gt=picture))['mask'][..., 0] > 0,
        load_tool('run_onnx').read_hole(path),
    ):
        assert found.dtype == bool
        assert np.array_equal(found, HOLE)


def test_all_readers_find_the_hole_of_floats(tmp_path, load_tool):
    values, path = np.where(HOLE, 0.51, 0.5).astype(np.float32), tmp_path / 'mask.tif'
    image = Image.fromarray(values)
    image.save(path)
    picture = np.zeros((*HOLE.shape, 3), np.uint8)
    for found in (
        read_hole(path, Picture(picture)),
        read_hole(image, Picture(picture)),
        HoleFromFolder(str(tmp_path))(dict(gt=picture))['mask'][..., 0] > 0,
        load_tool('run_onnx').read_hole(path),
    ):
        assert np.array_equal(found, HOLE)
    Image.fromarray(values * 255).save(path)
    with pytest.raises(UserError, match=r'found values from 127\.5 to 130.* of type float32, exp'):
        read_hole(path, Picture(picture))


def test_a_palette_is_read_by_its_colors(tmp_path, load_tool):
    image = Image.fromarray(ONES)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.save(tmp_path / 'mask.png')
    assert np.array_equal(read_hole(tmp_path / 'mask.png', Picture(FULL)), HOLE)
    assert np.array_equal(load_tool('run_onnx').read_hole(tmp_path / 'mask.png'), HOLE)


@pytest.mark.parametrize('values', [HOLE, HOLE * 1.0, HOLE * np.float32(0.6), HOLE * np.int64(255)])
def test_arrays_of_any_type_are_read(values):
    assert np.array_equal(hole_of(values), HOLE)


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        (np.zeros((0, 4), np.uint8), r'found an array of shape \(0, 4\), expected \(H, W\)'),
        (np.zeros((4, 4, 5), np.uint8), r'found an array of shape \(4, 4, 5\)'),
        (HOLE * 2.0, 'found values from 0.0 to 2.0 of type float64, expected 0 to 1'),
        (np.where(HOLE, np.nan, 0), 'found values from nan to nan'),
        (HOLE * -1, 'found values from -1 to 0 of type int64, expected 0 to 65535'),
        (HOLE.astype(str), 'found data type <U5, expected bool'),
    ],
)
def test_what_is_no_mask_is_refused(mask, message):
    with pytest.raises(UserError, match=message):
        hole_of(mask)
