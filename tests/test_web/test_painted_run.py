from __future__ import annotations

import cv2
import numpy as np
import pytest

from fbinpaint_mm.web.painted_run import add_dictated, encode_png, run_painted

PALETTE = np.array([(200, 0, 0), (0, 0, 200)], np.uint8)
RED, BLUE = (200, 0, 0, 255), (0, 0, 200, 255)
MIDDLE = (100, 120, 300, 400)  # of a picture of 48x64, shown at 384x512


def test_only_the_painted_hole_changes(inpainter, picture, strokes):
    run = run_painted(inpainter, 'x', picture, strokes(((384, 512), (MIDDLE, RED))), 2)

    expected = np.zeros((48, 64), bool)
    expected[12:37, 15:50] = True
    assert np.array_equal(run.hole, expected)
    assert np.array_equal(run.result.image[~expected], picture[~expected])
    assert (run.result.image[expected] != picture[expected]).any(-1).mean() > 0.9
    assert len(run.result.rounds) == 3


def test_without_a_hole_the_user_is_told(inpainter, picture):
    with pytest.raises(ValueError, match='No hole yet: paint over what should go, in step 2'):
        run_painted(inpainter, 'x', picture, None, 2)


def test_files_are_without_loss(inpainter, picture, strokes):
    run = run_painted(inpainter, 'x', picture, strokes(((384, 512), (MIDDLE, RED))), 1)

    files = run.files()

    assert list(files) == ['inpainted', 'hole', 'map']
    read = {name: decode(data) for name, data in files.items()}
    assert np.array_equal(read['inpainted'][..., ::-1], run.result.image)
    assert np.array_equal(read['hole'], run.hole * 255)
    assert np.array_equal(read['map'], run.result.semantic_map)


def test_round_0_has_no_map_to_keep(inpainter, picture, strokes):
    run = run_painted(inpainter, 'x', picture, strokes(((384, 512), (MIDDLE, RED))), 0)

    assert list(run.files()) == ['inpainted', 'hole']


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

    read = back(decode(encode_png(pixels)))

    assert read.dtype == pixels.dtype
    assert np.array_equal(read, pixels)


def test_edits_add_up_and_the_newest_counts(strokes):
    first = add_dictated(None, strokes(((1, 4), ((0, 0, 1, 2), RED))), PALETTE, (1, 4))
    second = add_dictated(first, strokes(((1, 4), ((0, 1, 1, 3), BLUE))), PALETTE, (1, 4))
    third = add_dictated(second, None, PALETTE, (1, 4))

    assert first.tolist() == [[0, 0, 255, 255]]
    assert second.tolist() == third.tolist() == [[0, 1, 1, 255]]


def test_without_an_edit_the_user_is_told():
    with pytest.raises(ValueError, match='No edit yet: choose a class and paint it on the map'):
        add_dictated(None, None, PALETTE, (1, 4))


def decode(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
