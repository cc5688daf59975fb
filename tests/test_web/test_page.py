from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

gradio = pytest.importorskip('gradio', reason='the page needs the extra [demo]')

from fbinpaint_mm.web.page import Page  # noqa: E402
from fbinpaint_mm.web.page_style import legend_style  # noqa: E402
from fbinpaint_mm.web.serve import trained_size  # noqa: E402

HOLE = ((384, 512), ((100, 100, 300, 400), (255, 0, 0, 255)))


@pytest.fixture(scope='module')
def page(inpainter) -> Page:
    return Page(inpainter, [])


@pytest.fixture
def opened(picture, tmp_path) -> str:
    Image.fromarray(picture).save(tmp_path / 'garden.png')
    return str(tmp_path / 'garden.png')


def road(page, size, box):
    return size, (box, (*page.palette[1].tolist(), 255))


def test_a_picture_is_opened_and_older_results_are_gone(page, opened, picture):
    updates = page.open(opened)

    assert updates[page.path] == opened
    assert updates[page.dictated] is None
    editor = updates[page.input.editor]
    assert editor['visible']
    assert np.array_equal(editor['value']['background'][::8, ::8], picture)
    assert updates[page.result.image] is None
    assert not any(updates[button]['visible'] for button in page.result.downloads.values())
    assert not updates[page.map.column]['visible']
    assert not updates[page.rounds.column]['visible']


def test_a_run_shows_result_files_rounds_and_map(page, opened, picture, strokes):
    updates = page.inpaint(opened, strokes(HOLE), 2)

    shown = updates[page.result.image][::8, ::8]
    changed = (shown != picture).any(-1)
    assert changed[12:37, 12:50].mean() > 0.9
    assert not changed[:12].any()
    files = [Path(updates[button]['value']) for button in page.result.downloads.values()]
    assert [file.name for file in files] == [
        f'garden_{x}.png' for x in ('inpainted', 'hole', 'map')
    ]
    assert np.array_equal(np.asarray(Image.open(files[0])), shown)
    assert len(updates[page.rounds.gallery]) == 9
    assert updates[page.map.column]['visible']
    assert '64×48 pixels, 30.9% of them inpainted in 2 rounds' in updates[page.result.notes]


def test_an_edited_map_changes_the_hole_only_and_is_kept(page, opened, picture, strokes):
    before = page.inpaint(opened, strokes(HOLE), 1)
    edit = strokes(road(page, (384, 512), (100, 100, 300, 400)))

    after = page.inpaint_with_map(opened, strokes(HOLE), 1, edit, before[page.dictated])
    again = page.inpaint_with_map(opened, strokes(HOLE), 1, None, after[page.dictated])

    dictated = after[page.dictated]
    assert set(np.unique(dictated)) == {1, 255}
    assert (dictated == 1).sum() == 25 * 38
    results = [updates[page.result.image][::8, ::8] for updates in (before, after, again)]
    changed = (results[1] != results[0]).any(-1)
    assert changed[dictated == 1].any()
    assert not changed[dictated != 1].any()
    assert np.array_equal(results[1], results[2])
    map_file = Image.open(after[page.result.downloads['map']]['value'])
    assert (np.asarray(map_file)[dictated == 1] == 1).all()


def test_inpaint_without_the_map_forgets_the_edits(page, opened, strokes):
    assert page.inpaint(opened, strokes(HOLE), 1)[page.dictated] is None


def test_visitors_do_not_see_each_other(page, opened, tmp_path, strokes):
    """Two visitors in turns have what each would have alone."""
    other = tmp_path / 'other.png'
    Image.fromarray(np.full((48, 64, 3), 77, np.uint8)).save(other)
    alone = page.inpaint(opened, strokes(HOLE), 1)[page.result.image]

    page.open(opened)
    page.open(str(other))
    edit = strokes(road(page, (384, 512), (0, 0, 384, 512)))
    page.inpaint_with_map(str(other), strokes(HOLE), 1, edit, None)

    assert np.array_equal(page.inpaint(opened, strokes(HOLE), 1)[page.result.image], alone)


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda page, path, _: page.inpaint(None, None, 1), 'No picture yet: upload one'),
        (lambda page, path, _: page.inpaint(path, None, 1), 'No hole yet: paint over'),
        (
            lambda page, path, hole: page.inpaint_with_map(path, hole, 1, None, None),
            'No edit yet: choose a class',
        ),
        (
            lambda page, path, hole: page.inpaint_with_map(None, hole, 1, None, None),
            'No picture yet: upload one',
        ),
    ],
)
def test_what_is_missing_is_said_and_nothing_changes(page, opened, strokes, call, message):
    with pytest.warns(UserWarning, match=message):
        assert call(page, opened, strokes(HOLE)) == gradio.skip()


def test_a_file_that_is_no_image_is_named(page, tmp_path):
    (tmp_path / 'letter.png').write_text('Dear')
    with pytest.warns(UserWarning, match=r'letter\.png'):
        assert page.open(str(tmp_path / 'letter.png')) == gradio.skip()


def test_round_0_has_no_map_to_edit(page, opened, strokes):
    updates = page.inpaint(opened, strokes(HOLE), 0)

    assert not updates[page.map.column]['visible']
    assert not updates[page.result.downloads['map']]['visible']


def test_a_model_without_semantics_has_no_maps(without_semantics, opened, strokes):
    page = Page(without_semantics, [])

    updates = page.inpaint(opened, strokes(HOLE), 1)

    assert page.map is None
    assert len(updates[page.rounds.gallery]) == 4
    assert not updates[page.result.downloads['map']]['visible']


def test_the_page_sends_no_statistics(page):
    assert page.blocks.analytics_enabled is False


def test_the_legend_has_the_colour_of_each_class():
    css = legend_style('classes', [(255, 0, 0), (0, 16, 255)])

    assert '#classes label:nth-of-type(1) span::before { background: #ff0000; }' in css
    assert '#classes label:nth-of-type(2) span::before { background: #0010ff; }' in css


def test_examples_have_the_size_of_the_test_pictures(inpainter, repository):
    assert trained_size(inpainter) == (48, 64)
