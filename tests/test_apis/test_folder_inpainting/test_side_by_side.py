import numpy as np
import pytest

from fbinpaint_mm.apis.folder_inpainting.side_by_side import draw_side_by_side, to_rgb
from tests.test_apis.test_folder_inpainting.fake_inpainter import FakeInpainter

HOLE = np.zeros((200, 240), bool)
HOLE[50:100, 60:160] = True


def draw(pixels, rounds, hole=HOLE):
    fake = FakeInpainter()
    results = fake.inpaint(pixels, hole, rounds, return_rounds=True).rounds
    return draw_side_by_side(pixels, hole, results, fake.classes, fake.palette, 'street')


def count(sheet, color):
    return int((sheet == np.array(color, np.uint8)).all(-1).sum())


@pytest.mark.parametrize('rounds', [0, 1, 2])
def test_every_round_has_its_image_and_map(rounds):
    sheet = draw(np.full((200, 240, 3), 7, np.uint8), rounds)
    for index in range(3):
        expected = HOLE.sum() if index <= rounds else 0
        assert count(sheet, [50 + 20 * index] * 3) >= expected > 0 or not expected
        if not expected:
            assert count(sheet, [50 + 20 * index] * 3) < 50  # letters
    inner = 48 * 98  # the hole without the line around it
    fence = count(sheet, FakeInpainter.palette[1])
    assert rounds * inner <= fence <= rounds * (inner + 200)
    assert count(sheet, [7, 7, 7]) == (rounds + 2) * (~HOLE).sum()


def test_the_columns_are_the_input_and_the_rounds():
    narrow, wide = (draw(np.zeros((200, 240, 3), np.uint8), rounds).shape[1] for rounds in (1, 2))
    assert wide - narrow == 240 + 8


def test_the_captions_tell_what_each_round_changed(monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        'fbinpaint_mm.apis.folder_inpainting.side_by_side.lay_out',
        lambda title, headers, rows, *rest: drawn.update(title=title, headers=headers, rows=rows),
    )
    fake, pixels = FakeInpainter(), np.full((200, 240, 3), 7, np.uint8)
    results = fake.inpaint(pixels, HOLE, 2, return_rounds=True).rounds
    results[2].semantic_map[50:60] = 0  # ten of the fifty rows of the hole
    draw_side_by_side(pixels, HOLE, results, fake.classes, fake.palette, 'street')
    assert drawn['title'] == 'street'
    assert drawn['headers'] == ['input', 'round 0', 'round 1', 'round 2 = result']
    captions = [[cell.caption for cell in row.cells] for row in drawn['rows']]
    changes = ['changed by 20.0 grey levels'] * 2
    assert captions == [
        ['hole 10 % of the image', '', *changes],
        ['hole', 'no map', 'first map', '20.0 % of the hole changed'],
        ['bright = 1, dark = 0', *['mean 0.50 in the hole'] * 3],
    ]


@pytest.mark.parametrize('hole', [np.zeros((200, 240), bool), np.ones((200, 240), bool)])
def test_an_empty_and_a_full_hole_can_be_drawn(hole):
    sheet = draw(np.full((200, 240, 3), 7, np.uint8), 1, hole)
    assert count(sheet, [7, 7, 7]) == (3 if not hole.any() else 0) * hole.size


def test_a_large_picture_is_reduced_by_a_whole_factor():
    hole = np.zeros((1200, 2000), bool)
    hole[400:800, 400:1200] = True
    sheet = draw(np.full((1200, 2000, 3), 7, np.uint8), 1, hole)
    assert sheet.shape[1] == 2 * 12 + 3 * 500 + 2 * 8
    assert count(sheet, [7, 7, 7]) == pytest.approx(3 * (300 * 500 - 100 * 200), rel=0.02)


def test_where_there_is_no_map_is_in_the_legend():
    fake, pixels = FakeInpainter(), np.full((200, 240, 3), 7, np.uint8)
    results = fake.inpaint(pixels, HOLE, 1, return_rounds=True).rounds
    arguments = (pixels, HOLE, results, fake.classes, fake.palette, '')
    complete = draw_side_by_side(*arguments)
    results[1].semantic_map[150:] = 255
    sheet = draw_side_by_side(*arguments)
    assert count(complete, [0, 0, 0]) == 0
    assert count(sheet, [0, 0, 0]) > 50 * 240  # and the key of the legend


def test_any_picture_becomes_rgb():
    assert to_rgb(np.array([[65535, 257]], np.uint16)).tolist() == [[[255] * 3, [1] * 3]]
    assert to_rgb(np.array([[[9, 200]]], np.uint8)).tolist() == [[[9, 9, 9]]]
    assert to_rgb(np.array([[[1, 2, 3, 200]]], np.uint8)).tolist() == [[[1, 2, 3]]]
