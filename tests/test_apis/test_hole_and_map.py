"""What counts as a hole, and which dictated maps fit."""

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.apis.hole_and_map import read_dictated_map, read_hole
from fbinpaint_mm.picture import Picture
from fbinpaint_mm.user_error import UserError

HOLE = np.array([[False, True, False], [True, True, False]])
PICTURE = Picture(np.zeros((2, 3), np.uint8))
MAP = np.array([[0, 1, 2], [3, 255, 0]])
MASK = np.array([[True, False, True], [False, False, False]])


@pytest.mark.parametrize(
    'mask',
    [
        HOLE,
        HOLE.astype(np.uint8),
        HOLE.astype(np.int64),
        HOLE * np.uint8(255),
        HOLE[..., None] * np.uint8(255),
        HOLE * np.uint16(65535),
        HOLE * np.uint16(255),
        HOLE * 1.0,
        np.where(HOLE, 0.6, 0.4).astype(np.float32),
        np.where(HOLE, 130, 120).astype(np.uint8),
        np.where(HOLE[..., None], [0, 255, 0], [0, 0, 0]).astype(np.uint8),
        np.where(HOLE[..., None], [255, 255, 255, 255], [255, 255, 255, 0]).astype(np.uint8),
        np.where(HOLE[..., None], [255, 255], [255, 0]).astype(np.uint8),
    ],
)
def test_white_is_the_hole(mask):
    found = read_hole(mask, PICTURE)
    assert found.dtype == bool
    assert np.array_equal(found, HOLE)


@pytest.mark.parametrize('mode', ['1', 'L', 'RGB', 'RGBA', 'P', 'I;16'])
def test_masks_of_pillow_and_of_files(tmp_path, mode):
    deep = Image.fromarray(HOLE * np.uint16(65535))
    image = deep if mode == 'I;16' else Image.fromarray(HOLE).convert(mode)
    assert image.mode == mode
    image.save(tmp_path / 'x.png')
    for source in (image, tmp_path / 'x.png'):
        assert np.array_equal(read_hole(source, PICTURE), HOLE)


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        (HOLE.T, r'mask: found size 3x2 \(height x width\), expected that of the image, 2x3$'),
        (HOLE[:, 0], r'mask: found an array of shape \(2,\), expected \(H, W\)'),
        (HOLE * 3.0, r'mask: found values from 0\.0 to 3\.0 of type float64, expected 0 to 1'),
        (HOLE * -1, 'mask: found values from -1 to 0 of type int64, expected 0 to 65535'),
        (HOLE * np.nan, 'mask: found values from nan to nan'),
        (HOLE.astype(complex), 'mask: found data type complex128, expected bool, integers or'),
    ],
)
def test_what_is_no_mask_is_refused(mask, message):
    with pytest.raises(UserError, match=message):
        read_hole(mask, PICTURE)


def test_a_mask_of_the_stored_size_of_a_turned_photograph_gets_a_hint():
    turned = Picture(np.zeros((2, 3), np.uint8), orientation=6)
    with pytest.raises(UserError, match='EXIF orientation 6 says: turn the mask too'):
        read_hole(HOLE.T, turned)
    assert np.array_equal(read_hole(HOLE, turned), HOLE)


def test_nothing_is_dictated_where_the_map_is_255_or_outside_the_mask():
    found = read_dictated_map(MAP, None, (2, 3), 4)
    assert found.dtype == np.uint8
    assert np.array_equal(found, MAP)
    found = read_dictated_map(MAP, MASK, (2, 3), 4)
    assert found.tolist() == [[0, 255, 2], [255, 255, 255]]
    assert np.array_equal(read_dictated_map(MAP, np.ones((2, 3), bool), (2, 3), 4), MAP)
    assert read_dictated_map(None, None, (2, 3), 4) is None


@pytest.mark.parametrize(
    ('semantic_map', 'mask', 'num_classes', 'message'),
    [
        (None, MASK, 4, 'semantic_map_mask is given without a semantic_map'),
        (MAP, None, 0, r'this model has no semantics \(segmentor=None\) and reads none'),
        (MAP.T, None, 4, r'semantic_map: found shape \(3, 2\), expected .* image, \(2, 3\)'),
        (MAP, MASK[:1], 4, r'semantic_map_mask: found shape \(1, 3\), expected'),
        (MAP * 1.0, None, 4, 'semantic_map: found data type float64, expected integers'),
        (MAP, MASK * 1.0, 4, 'semantic_map_mask: found data type float64, expected bool, or 0'),
        (MAP, None, 3, r'class id 3 is out of range, expected 0\.\.2, or 255'),
        (-MAP, MASK, 4, r'class id -2 is out of range, expected 0\.\.3'),
        ('road.png', None, 4, "semantic_map: found 'road.png', expected an array"),
    ],
)
def test_maps_that_do_not_fit_are_refused(semantic_map, mask, num_classes, message):
    with pytest.raises(UserError, match=message):
        read_dictated_map(semantic_map, mask, (2, 3), num_classes)
