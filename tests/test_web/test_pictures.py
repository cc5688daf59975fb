from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import pdist

from fbinpaint_mm.datasets.procedural import PALETTE as SCENE_PALETTE
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.web.pictures import (
    SMALLEST_DIFFERENCE,
    add_edit,
    distinct_palette,
    draw_rounds,
    encode_png,
    fit_screen,
    for_screen,
    painted_classes,
    painted_hole,
    read_uploaded,
)

PALETTE = np.array([(200, 0, 0), (0, 0, 200), (100, 0, 100), (0, 200, 0)], np.uint8)
RED, BLUE, PURPLE, GREEN = ((*map(int, color), 255) for color in PALETTE)


def test_an_upload_is_read_upright(picture, tmp_path):
    image = Image.fromarray(picture)
    exif = image.getexif()
    exif[0x0112] = 3  # stored upside down
    image.rotate(180).save(tmp_path / 'turned.png', exif=exif)

    assert np.array_equal(read_uploaded(str(tmp_path / 'turned.png')), picture)


PICTURE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
# Pillow starts Ghostscript for it.
EPS = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n'
HUGE = (
    'The picture has 60 megapixels (10000x6000); this page takes up to 40. '
    'tools/inpaint.py has no such limit.'
)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'not an image', "picture 'a.png' is no image of a known format"),
        (EPS, "picture 'a.png' is no image of a known format"),
        (encode_png(PICTURE)[:-2000], "'a.png' cannot be decoded"),
        (b'P6 10000 6000 255\n', HUGE),  # a header, and no pixel at all
    ],
)
def test_what_cannot_be_shown_is_named_without_its_folder(tmp_path, content, message):
    (tmp_path / 'a.png').write_bytes(content)
    with pytest.raises(UserError, match=re.escape(message)) as error:
        read_uploaded(str(tmp_path / 'a.png'))
    assert str(tmp_path) not in str(error.value)


def test_a_picture_that_is_gone_is_to_be_opened_again(tmp_path):
    with pytest.raises(
        UserError, match=r'^The picture is no longer on the server: open it again\.$'
    ):
        read_uploaded(str(tmp_path / 'a.png'))


def test_distinct_colors_stay():
    assert np.array_equal(distinct_palette(SCENE_PALETTE), SCENE_PALETTE)
    assert distinct_palette([]).shape == (0, 3)


def test_equal_and_similar_colors_become_distinct():
    palette = [(10, 20, 30)] * 150 + [(12, 20, 30)] * 105

    distinct = distinct_palette(palette)

    assert distinct.dtype == np.uint8
    assert distinct[0].tolist() == [10, 20, 30]
    assert pdist(distinct.astype(float), 'chebyshev').min() >= SMALLEST_DIFFERENCE


@pytest.mark.parametrize('value', [None, dict(background=None, layers=[], composite=None)])
def test_nothing_is_painted(value):
    assert not painted_hole(value, (3, 4)).any()
    assert (painted_classes(value, PALETTE, (3, 4)) == 255).all()


def test_a_hole_is_what_any_layer_covers_by_half(strokes):
    value = strokes(
        ((4, 6), ((0, 0, 1, 2), (9, 9, 9, 128)), ((2, 0, 3, 2), (9, 9, 9, 127))),
        ((4, 6), ((3, 5, 4, 6), RED)),
    )

    hole = painted_hole(value, (4, 6))

    assert hole.dtype == bool
    assert np.argwhere(hole).tolist() == [[0, 0], [0, 1], [3, 5]]


@pytest.mark.parametrize(('shown', 'size'), [((40, 60), (4, 6)), ((4, 6), (40, 60))])
def test_a_hole_has_the_size_of_the_picture(strokes, shown, size):
    top, left, bottom, right = (side * shown[0] // 4 for side in (1, 2, 3, 5))

    hole = painted_hole(strokes((shown, ((top, left, bottom, right), RED))), size)

    expected = np.zeros((4, 6), bool)
    expected[1:3, 2:5] = True
    assert np.array_equal(hole, np.kron(expected, np.ones((size[0] // 4,) * 2)) > 0)


def test_classes_are_told_by_their_colors(strokes):
    almost_green = (1, 198, 2, 255)
    value = strokes(
        ((2, 4), ((0, 0, 2, 1), RED), ((0, 1, 1, 2), BLUE), ((0, 3, 1, 4), almost_green))
    )

    classes = painted_classes(value, PALETTE, (2, 4))

    assert classes.dtype == np.uint8
    assert classes.tolist() == [[0, 1, 255, 3], [0, 255, 255, 255]]


def test_what_is_on_top_counts(strokes):
    value = strokes(((1, 3), ((0, 0, 1, 2), RED)), ((1, 3), ((0, 1, 1, 3), BLUE)))

    assert painted_classes(value, PALETTE, (1, 3)).tolist() == [[0, 1, 1]]


def test_a_blended_edge_does_not_become_a_third_class(strokes):
    """Red and blue blend into purple's neighborhood, and a soft edge loses color."""
    between, soft = (95, 0, 105, 255), (150, 10, 10, 140)
    value = strokes(
        (
            (3, 8),
            ((0, 1, 3, 4), RED),
            ((0, 4, 3, 5), between),
            ((0, 5, 3, 8), BLUE),
            ((0, 0, 3, 1), soft),
        )
    )
    nearest_color = np.abs(PALETTE.astype(int) - between[:3]).max(1).argmin()
    assert nearest_color == 2

    classes = painted_classes(value, PALETTE, (3, 8))

    assert (classes[:, :4] == 0).all()
    assert set(classes[:, 4]) <= {0, 1}
    assert (classes[:, 5:] == 1).all()


def test_a_pixel_in_the_true_color_keeps_its_class(strokes):
    value = strokes(((1, 3), ((0, 0, 1, 1), RED), ((0, 1, 1, 2), PURPLE), ((0, 2, 1, 3), BLUE)))

    assert painted_classes(value, PALETTE, (1, 3)).tolist() == [[0, 2, 1]]


def test_colors_that_a_browser_has_changed_are_matched_to_the_nearest(strokes):
    value = strokes(((1, 2), ((0, 0, 1, 1), (180, 20, 20, 255)), ((0, 1, 1, 2), (30, 170, 9, 255))))

    assert painted_classes(value, PALETTE, (1, 2)).tolist() == [[0, 3]]


def test_edits_add_up_and_the_newest_counts(strokes):
    first = add_edit(None, strokes(((1, 4), ((0, 0, 1, 2), RED))), PALETTE, (1, 4))
    second = add_edit(first, strokes(((1, 4), ((0, 1, 1, 3), BLUE))), PALETTE, (1, 4))
    third = add_edit(second, None, PALETTE, (1, 4))

    assert first.tolist() == [[0, 0, 255, 255]]
    assert second.tolist() == third.tolist() == [[0, 1, 1, 255]]


def test_without_an_edit_the_visitor_is_told():
    with pytest.raises(UserError, match='No edit yet: choose a class and paint it on the map'):
        add_edit(None, None, PALETTE, (1, 4))


def test_a_small_picture_is_enlarged_without_blur(picture):
    assert np.array_equal(for_screen(picture), np.kron(picture, np.ones((8, 8, 1), np.uint8)))


def test_a_large_picture_is_reduced():
    image = np.zeros((600, 3000, 3), np.uint8)
    image[::3] = 90

    assert for_screen(image).shape == (200, 1000, 3)
    assert set(np.unique(for_screen(image))) == {30}, 'averaged'
    assert set(np.unique(fit_screen(image[..., 0], smooth=False))) <= {0, 90}


@pytest.mark.parametrize('shape', [(1, 2), (1, 2, 1)])
def test_gray_of_16_bits_is_shown_as_rgb_of_8(shape):
    shown = for_screen(np.array([0, 257 * 99], np.uint16).reshape(shape))

    assert shown.dtype == np.uint8
    assert shown[0, :: shown.shape[1] // 2].tolist() == [[0] * 3, [99] * 3]


def test_what_is_transparent_is_white():
    image = np.array([[(10, 20, 30, 0), (10, 20, 30, 255), (0, 0, 0, 51)]], np.uint8)

    for pixels, opaque in (image, [10, 20, 30]), (image[..., 2:], [30] * 3):
        shown = for_screen(pixels)
        assert shown[0, :: shown.shape[1] // 3].tolist() == [[255] * 3, opaque, [204] * 3]


@pytest.mark.parametrize('dtype', ['uint8', 'uint16'])
@pytest.mark.parametrize(
    ('shape', 'back'),
    [
        ((5, 7), lambda read: read),
        ((5, 7, 1), lambda read: read[..., None]),
        ((5, 7, 2), lambda read: read[..., [0, 3]]),
        ((5, 7, 3), lambda read: read[..., ::-1]),
        ((5, 7, 4), lambda read: read[..., [2, 1, 0, 3]]),
    ],
)
def test_pngs_keep_every_bit(shape, back, dtype):
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype)

    data = np.frombuffer(encode_png(pixels), np.uint8)
    read = back(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))

    assert read.dtype == pixels.dtype
    assert np.array_equal(read, pixels)


INSIDE, OUTSIDE = (slice(104, 296), slice(104, 392)), (slice(0, 96), slice(0, 96))


@pytest.fixture
def draw(inpainter, without_semantics, picture):
    """Inpaints a hole of 12:38, 12:50; gives the result, and the pictures by caption."""

    def run(semantics=True, rounds=2):
        model = inpainter if semantics else without_semantics
        hole = np.zeros((48, 64), bool)
        hole[12:38, 12:50] = True
        result = model.inpaint(picture, hole, rounds, True)
        drawn = draw_rounds(hole, result, np.array(model.palette))
        return result, dict(reversed(pair) for pair in drawn)

    return run


def test_each_round_has_a_row(draw):
    _, drawn = draw()

    assert list(drawn) == [
        *('Round 0', 'Hole', 'Confidence 0'),
        *('Round 1', 'Map 1', 'Confidence 1'),
        *('Round 2', 'Map 2', 'Confidence 2'),
    ]
    assert {(image.shape, image.dtype.name) for image in drawn.values()} == {
        ((384, 512, 3), 'uint8')
    }


def test_without_semantics_there_is_no_map(draw):
    _, drawn = draw(semantics=False, rounds=1)

    assert list(drawn) == ['Round 0', 'Confidence 0', 'Round 1', 'Confidence 1']


def test_drawings_show_what_the_round_made(draw, inpainter, picture):
    result, drawn = draw()

    for number, one in enumerate(result.rounds):
        assert np.array_equal(drawn[f'Round {number}'][::8, ::8], one.image)
    map_colors = {tuple(color) for color in drawn['Map 2'][INSIDE].reshape(-1, 3).tolist()}
    classes = np.unique(result.semantic_map[13:37, 13:49])
    assert map_colors == {tuple(inpainter.palette[index]) for index in classes}
    assert len(np.unique(drawn['Confidence 2'][OUTSIDE].reshape(-1, 3), axis=0)) == 1
    assert set(np.unique(drawn['Hole'][INSIDE])) == {205, 255}, 'stripes in the hole only'
    assert np.array_equal(drawn['Hole'][OUTSIDE][::8, ::8], picture[:12, :12])
