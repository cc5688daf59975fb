from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

gradio = pytest.importorskip('gradio', reason='the page needs the extra [demo]')

from fbinpaint_mm.web.page import Page, Visit  # noqa: E402

HOLE = ((384, 512), ((100, 100, 300, 400), (255, 0, 0, 255)))


@pytest.fixture(scope='module')
def page(inpainter) -> Page:
    return Page(inpainter, [])


@pytest.fixture
def garden(picture, tmp_path) -> str:
    Image.fromarray(picture).save(tmp_path / 'garden.png')
    return str(tmp_path / 'garden.png')


@pytest.fixture
def other(tmp_path) -> str:
    """A picture of another size."""
    Image.fromarray(np.full((40, 32, 3), 77, np.uint8)).save(tmp_path / 'other.png')
    return str(tmp_path / 'other.png')


@pytest.fixture
def visit(page, garden) -> Visit:
    """Of somebody who has opened the garden."""
    visit = Visit()
    page.open(visit, garden)
    return visit


def road(page, size, box):
    return size, (box, (*page.palette[1].tolist(), 255))


def test_a_picture_is_opened_and_older_results_are_gone(page, visit, garden, picture):
    visit.dictated = np.zeros((48, 64), np.uint8)
    updates = page.open(visit, garden)

    assert (visit.path, visit.opening, visit.dictated) == (garden, 2, None)
    assert updates[page.opening] == 2
    editor = updates[page.hole_editor]
    assert editor['visible']
    assert np.array_equal(editor['value']['background'][::8, ::8], picture)
    assert updates[page.result] is None
    assert not any(updates[button]['visible'] for button in page.downloads.values())
    assert not updates[page.map_column]['visible']
    assert not updates[page.rounds_column]['visible']


def test_a_run_shows_result_files_rounds_and_map(page, visit, picture, strokes):
    updates = page.inpaint(visit, 1, strokes(HOLE), 2)

    shown = updates[page.result][::8, ::8]
    changed = (shown != picture).any(-1)
    assert changed[12:37, 12:50].mean() > 0.9
    assert not changed[:12].any()
    files = [Path(updates[button]['value']) for button in page.downloads.values()]
    assert [file.name for file in files] == [
        f'garden_{x}.png' for x in ('inpainted', 'hole', 'map')
    ]
    assert np.array_equal(np.asarray(Image.open(files[0])), shown)
    assert len(updates[page.gallery]) == 9
    assert updates[page.map_column]['visible']
    assert '64×48 pixels, 30.9% of them inpainted in 2 rounds' in updates[page.notes]


def test_an_edited_map_changes_the_hole_only_and_is_kept(page, visit, picture, strokes):
    before = page.inpaint(visit, 1, strokes(HOLE), 1)
    edit = strokes(road(page, (384, 512), (100, 100, 300, 400)))

    after = page.inpaint_with_map(visit, 1, strokes(HOLE), 1, edit)
    dictated = visit.dictated
    again = page.inpaint_with_map(visit, 1, strokes(HOLE), 1, None)

    assert set(np.unique(dictated)) == {1, 255}
    assert (dictated == 1).sum() == 25 * 38
    results = [updates[page.result][::8, ::8] for updates in (before, after, again)]
    changed = (results[1] != results[0]).any(-1)
    assert changed[dictated == 1].any()
    assert not changed[dictated != 1].any()
    assert np.array_equal(results[1], results[2])
    map_file = Image.open(after[page.downloads['map']]['value'])
    assert (np.asarray(map_file)[dictated == 1] == 1).all()


def test_inpaint_without_the_map_forgets_the_edits(page, visit, strokes):
    visit.dictated = np.zeros((48, 64), np.uint8)
    page.inpaint(visit, 1, strokes(HOLE), 1)
    assert visit.dictated is None


def test_visitors_do_not_see_each_other(page, visit, other, strokes):
    """Two visitors in turns have what each would have alone."""
    alone = page.inpaint(visit, 1, strokes(HOLE), 1)[page.result]

    second = Visit()
    page.open(second, other)
    edit = strokes(road(page, (320, 256), (0, 0, 320, 256)))
    hole = strokes(((320, 256), ((100, 100, 200, 200), (255, 0, 0, 255))))
    page.inpaint_with_map(second, 1, hole, 1, edit)

    assert second.dictated is not None
    assert np.array_equal(page.inpaint(visit, 1, strokes(HOLE), 1)[page.result], alone)


@pytest.fixture
def opens_meanwhile(page, visit, other, monkeypatch):
    """The visitor opens another picture while the model works on the garden."""
    model_runs = page.inpainter.inpaint

    def inpaint(*args, **kwargs):
        result = model_runs(*args, **kwargs)
        page.open(visit, other)
        return result

    monkeypatch.setattr(page.inpainter, 'inpaint', inpaint)
    yield
    assert (visit.path, visit.opening) == (other, 2), 'the model has run'


@pytest.mark.usefixtures('opens_meanwhile')
def test_a_result_that_comes_late_is_not_shown_with_another_picture(page, visit, strokes):
    assert page.inpaint(visit, 1, strokes(HOLE), 1) == gradio.skip()


@pytest.mark.usefixtures('opens_meanwhile')
def test_edits_that_come_late_do_not_dictate_the_map_of_another_picture(page, visit, strokes):
    edit = strokes(road(page, (384, 512), (100, 100, 300, 400)))

    assert page.inpaint_with_map(visit, 1, strokes(HOLE), 1, edit) == gradio.skip()

    assert visit.dictated is None


def test_a_run_that_waited_until_its_picture_was_gone_does_not_begin(
    page, visit, other, strokes, monkeypatch
):
    page.open(visit, other)
    monkeypatch.setattr(page.inpainter, 'inpaint', None)

    assert page.inpaint(visit, 1, strokes(HOLE), 1) == gradio.skip()
    assert page.inpaint_with_map(visit, 1, strokes(HOLE), 1, strokes(HOLE)) == gradio.skip()


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda page, visit, _: page.inpaint(Visit(), 0, None, 1), 'No picture yet: upload one'),
        # After a restart of the server, which knows nothing of what the browser shows.
        (lambda page, visit, _: page.inpaint(Visit(), 3, None, 1), 'No picture yet: upload one'),
        (lambda page, visit, _: page.inpaint(visit, 1, None, 1), 'No hole yet: paint over'),
        (
            lambda page, visit, hole: page.inpaint_with_map(visit, 1, hole, 1, None),
            'No edit yet: choose a class',
        ),
        (
            lambda page, visit, hole: page.inpaint_with_map(Visit(), 0, hole, 1, None),
            'No picture yet: upload one',
        ),
    ],
)
def test_what_is_missing_is_said_and_nothing_changes(page, visit, strokes, call, message):
    with pytest.warns(UserWarning, match=message):
        assert call(page, visit, strokes(HOLE)) == gradio.skip()


def test_a_file_that_is_no_image_is_named_and_the_picture_stays(page, visit, garden, tmp_path):
    (tmp_path / 'letter.png').write_text('Dear')
    with pytest.warns(UserWarning, match=r'letter\.png'):
        assert page.open(visit, str(tmp_path / 'letter.png')) == gradio.skip()
    assert (visit.path, visit.opening) == (garden, 1)


def test_of_a_bug_the_visitor_is_told_no_more_than_that(page, visit, strokes, monkeypatch):
    monkeypatch.setattr(page.inpainter, 'inpaint', lambda *args, **options: [].pop())
    with pytest.raises(gradio.Error, match='Something went wrong on the server') as error:
        page.inpaint(visit, 1, strokes(HOLE), 1)
    assert isinstance(error.value.__cause__, IndexError)


def test_round_0_has_no_map_to_edit(page, visit, strokes):
    updates = page.inpaint(visit, 1, strokes(HOLE), 0)

    assert not updates[page.map_column]['visible']
    assert not updates[page.downloads['map']]['visible']


def test_a_model_without_semantics_has_no_maps(without_semantics, visit, strokes):
    page = Page(without_semantics, [])

    updates = page.inpaint(visit, 1, strokes(HOLE), 1)

    assert not updates[page.map_column]['visible']
    assert len(updates[page.gallery]) == 4
    assert not updates[page.downloads['map']]['visible']


def test_the_page_sends_no_statistics(page):
    assert page.blocks.analytics_enabled is False
