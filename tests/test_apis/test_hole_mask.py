"""What counts as a hole."""

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.apis.hole_mask import read_hole
from fbinpaint_mm.apis.picture import Picture

HOLE = np.array([[False, True, False], [True, True, False]])
PICTURE = Picture(np.zeros((2, 3), np.uint8))


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
        np.where(HOLE[..., None], [255, 255, 255], [0, 255, 0]).astype(np.uint8),
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
    with pytest.raises(ValueError, match=message):
        read_hole(mask, PICTURE)


def test_a_mask_of_the_stored_size_of_a_turned_photograph_gets_a_hint():
    turned = Picture(np.zeros((2, 3), np.uint8), orientation=6)
    with pytest.raises(ValueError, match='EXIF orientation 6 says: turn the mask too'):
        read_hole(HOLE.T, turned)
    assert np.array_equal(read_hole(HOLE, turned), HOLE)
