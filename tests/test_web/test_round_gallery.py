from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.web.painted_run import run_painted
from fbinpaint_mm.web.round_gallery import draw_rounds

HOLE = ((384, 512), ((96, 96, 304, 400), (9, 9, 9, 255)))
INSIDE, OUTSIDE = (slice(104, 296), slice(104, 392)), (slice(0, 96), slice(0, 96))


@pytest.fixture(scope='module')
def draw(inpainter, without_semantics):
    def run(strokes, picture, semantics=True, rounds=2):
        model = inpainter if semantics else without_semantics
        made = run_painted(model, 'x', picture, strokes(HOLE), rounds)
        return made, dict(reversed(pair) for pair in draw_rounds(made, np.array(model.palette)))

    return run


def test_each_round_has_a_row(draw, strokes, picture):
    _, drawn = draw(strokes, picture)

    assert list(drawn) == [
        *('Round 0', 'Hole', 'Confidence 0'),
        *('Round 1', 'Map 1', 'Confidence 1'),
        *('Round 2', 'Map 2', 'Confidence 2'),
    ]
    assert {(image.shape, image.dtype.name) for image in drawn.values()} == {
        ((384, 512, 3), 'uint8')
    }


def test_without_semantics_there_is_no_map(draw, strokes, picture):
    _, drawn = draw(strokes, picture, semantics=False, rounds=1)

    assert list(drawn) == ['Round 0', 'Confidence 0', 'Round 1', 'Confidence 1']


def test_pictures_show_what_the_round_made(draw, strokes, picture, inpainter):
    run, drawn = draw(strokes, picture)

    for number, result in enumerate(run.result.rounds):
        assert np.array_equal(drawn[f'Round {number}'][::8, ::8], result.image)
    map_colours = {tuple(color) for color in drawn['Map 2'][INSIDE].reshape(-1, 3).tolist()}
    classes = np.unique(run.result.semantic_map[13:37, 13:49])
    palette = [tuple(color) for color in inpainter.palette]
    assert map_colours == {palette[index] for index in classes}
    outside = run.result.confidence[:12, :12]
    assert (outside == 1).all()
    assert len(np.unique(drawn['Confidence 2'][OUTSIDE].reshape(-1, 3), axis=0)) == 1


def test_stripes_are_in_the_hole_only(draw, strokes, picture):
    _, drawn = draw(strokes, picture)

    assert set(np.unique(drawn['Hole'][INSIDE])) == {205, 255}
    assert np.array_equal(drawn['Hole'][OUTSIDE][::8, ::8], picture[:12, :12])
