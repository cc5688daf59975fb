from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.benchmark.report import contact_sheet
from fbinpaint_mm.benchmark.report.choose_samples import ChosenSample
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins

COLORS = {'input': (255, 0, 0), 'one': (0, 255, 0), 'two': (0, 0, 255), 'truth': (255, 0, 255)}
SAMPLE = ChosenSample('001.png', 0.35, 'median')


def load(entry, sample):
    return np.full((48, 64, 3), COLORS[entry], np.uint8)


@pytest.fixture
def table(benchmark_of):
    return ScoreTable(benchmark_of(one=[[20.0, 21.0], [30.0, 31.0]], two=[[22.0, 19.0]]))


def test_pictures_stand_in_order_enlarged_to_be_legible(table):
    sheet = contact_sheet.draw_sheet(table, [SAMPLE], load, ['one', 'two'])
    lefts = []
    for name in ('input', 'one', 'two', 'truth'):
        rows, columns = np.where((sheet == COLORS[name]).all(-1))
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (144, 192)
        lefts.append(columns.min())
    assert lefts == sorted(lefts)


def test_scores_are_those_of_the_run_in_the_picture_and_the_best_is_bold(table):
    row = contact_sheet.sample_row(table, SAMPLE, load, ['one', 'two'], (48, 64))
    assert row.heading == '001.png   hole 35 % of the image   median'
    assert [cell.caption for cell in row.cells] == ['', 'PSNR 21.00', 'PSNR 19.00', '']
    assert [cell.bold for cell in row.cells[1:3]] == [[0], []]


def test_a_missing_picture_leaves_its_place_empty(table):
    def load_some(entry, sample):
        if entry == 'two':
            raise FileNotFoundError(entry)
        return load(entry, sample)

    empty, full = (
        contact_sheet.draw_sheet(table, [SAMPLE], one, ['one', 'two']) for one in (load_some, load)
    )
    assert not (empty == COLORS['two']).all(-1).any()
    assert empty.shape == full.shape


def test_captions_are_psnr_and_lpips_or_what_there_is(fake_table, benchmark_of):
    name = fake_table.benchmark.data.samples[0]
    lines, _ = contact_sheet.score_captions(fake_table, name, ['telea'])['telea']
    assert [line.split()[0] for line in lines] == ['PSNR', 'LPIPS']
    table = ScoreTable(benchmark_of('SSIM', one=[[1.0]]))
    assert contact_sheet.score_captions(table, '000.png', ['one'])['one'][0] == ['SSIM 1.0000']


def test_many_entries_are_divided_evenly_with_the_reference_on_every_sheet():
    assert contact_sheet.split_sheets(list('bacdefgh'), 'a') == [list('bacdefgh')]
    assert contact_sheet.split_sheets(list('bacdefghi'), 'a') == [list('abcde'), list('afghi')]
    assert contact_sheet.split_sheets(list('bcdefghij'), 'a') == [list('bcdef'), list('ghij')]


def test_pictures_of_another_size_are_fitted():
    fitted = contact_sheet.picture_cell(np.zeros((20, 80, 3), np.uint8), (32, 64)).image
    assert fitted.shape == (32, 64, 3)
    assert (fitted == 0).all(-1).sum() == 16 * 64
    assert (fitted[:8] == 255).all()


def test_a_strip_shows_the_typical_results_of_the_method(benchmark_of, tmp_path):
    benchmark = benchmark_of(one=[[20.0, 25.0, 22.0, 30.0]], two=[[20.0, 21.0, 29.0, 30.0]])
    asked = []

    def note(entry, sample):
        asked.append((entry, sample))
        return load(entry, sample)

    table = ScoreTable(benchmark, HoleAreaBins((0.1, 0.35, 0.6)))
    path = contact_sheet.write_strip(table, note, tmp_path / 'strip.png')
    assert set(asked) == {
        (name, f'00{n}.png') for name in ('input', 'two', 'truth') for n in (0, 2)
    }
    strip = np.asarray(Image.open(path))
    found = [(strip == COLORS[name]).all(-1) for name in ('input', 'two', 'truth')]
    assert [image.sum() for image in found] == [2 * 144 * 192] * 3
    tops = [np.flatnonzero(image.any(1))[0] for image in found]
    assert tops == sorted(tops)
