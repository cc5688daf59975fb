from __future__ import annotations

import re
from dataclasses import replace

import pytest

from fbinpaint_mm.benchmark.report.report_markdown import summary_line, write_markdown
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.benchmark.results import EntryResult
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins


def write(benchmark, path, **kwargs) -> str:
    table = ScoreTable(benchmark, HoleAreaBins((0.1, 0.35, 0.6)))
    return write_markdown(table, path / 'results.md', **kwargs).read_text('utf-8')


def row_of(text: str, title: str, section: str) -> list[str]:
    """Cells of the row with that title in the section with that heading."""
    part = text.split(f'## {section}')[1].split('\n## ')[0]
    rows = [[cell.strip() for cell in line.split('|')] for line in part.splitlines() if '|' in line]
    (cells,) = [cells for cells in rows if cells[1] == title]
    return cells[2:-1]


@pytest.fixture(scope='module')
def text(fake_table, tmp_path_factory):
    path = tmp_path_factory.mktemp('report') / 'results.md'
    return write_markdown(fake_table, path).read_text(encoding='utf-8')


def test_says_what_was_measured(text, fake_benchmark):
    assert '`configs/fbinpaint_demo.py`, val, 24 images of 64 × 64 pixels' in text
    assert fake_benchmark.data.sha256 in text
    assert '- reference: one_way\n' in text
    assert '- command: `python tools/benchmark.py configs/one_way.py`' in text
    assert '- threads: 2' in text
    line = '- LPIPS ↓: data range: 255; color order: BGR; image: composite; region: whole image; '
    assert f'{line}backbone: alex\n' in text
    assert '- mIoU_hole ↑: in percent; region: hole\n' in text


def test_several_holes_of_an_image_are_counted_apart(benchmark_of, tmp_path):
    benchmark = benchmark_of(one=[[1.0, 2.0, 3.0, 4.0]])
    benchmark.data.images = ['a.png', 'a.png', 'b.png', 'b.png']
    text = write(benchmark, tmp_path)
    assert ' 2 images with 4 holes of 48 × 64 pixels' in text
    assert '## PSNR ↑ by hole area (number of holes)\n' in text


def test_intervals_over_seeds_come_in_the_order_of_the_entries(benchmark_of, tmp_path):
    benchmark = benchmark_of(one=[[20.0]] * 2, zebra=[[19.0], [18.0]], ant=[[21.0], [22.0]])
    one, _, ant = benchmark.entries
    for run, fid in zip((*one.runs, *ant.runs), (9.0, 9.0, 8.0, 7.0), strict=True):
        run.set_scores = dict(FID=fid)
    section = write(benchmark, tmp_path).split('t-interval over seeds')[1].split('\n## ')[0]
    rows = [line.split('|')[1].strip() for line in section.splitlines() if '|' in line]
    assert rows[2:] == ['zebra', 'ant']


def test_best_is_bold_in_the_right_direction_with_all_ties(benchmark_of, tmp_path):
    scores = dict(one=[[0.30, 0.30]], two=[[0.10001, 0.20]], three=[[0.10, 0.20]])
    falling = write(benchmark_of('LPIPS', higher=False, **scores), tmp_path)
    assert row_of(falling, 'one (reference)', 'All images') == ['0.3000']
    assert row_of(falling, 'two', 'All images')[0].startswith('**0.1500**')
    assert row_of(falling, 'three', 'All images')[0].startswith('**0.1500**')
    rising = write(benchmark_of('SSIM', **scores), tmp_path)
    assert row_of(rising, 'one (reference)', 'All images') == ['**0.3000**']


def test_change_has_its_interval_and_seeds_their_spread(benchmark_of, tmp_path):
    benchmark = benchmark_of(one=[[20.0, 10.0]], two=[[19.0, 9.5], [17.0, 8.5]])
    text = write(benchmark, tmp_path)
    assert row_of(text, 'two', 'All images') == ['13.50 ± 1.06<br>-10.14 % [-15.00, -5.00]']
    assert 'over images and seeds. ± standard deviation over seeds.' in text
    # 12.71 standard errors of log 0.95 and log 0.85 on both sides of their mean.
    section = 'Changes, with 95 % t-interval over seeds'
    assert row_of(text, 'two', section) == ['-10.14 % [-55.67, +82.16]']
    assert section not in write(benchmark_of(one=[[20.0]], two=[[19.0]]), tmp_path)
    assert '±' not in write(benchmark_of(one=[[20.0]], two=[[19.0]]), tmp_path)


def test_trainings_come_before_the_scores(text):
    facts = ['seeds', 'iterations', 'images', 'labeled']
    assert row_of(text, '', 'All images')[:5] == [*facts, 'PSNR ↑']
    assert row_of(text, 'feedback', 'All images')[:4] == ['3', '2000', '512', '64 (12.5 %)']
    assert row_of(text, 'telea', 'All images')[:4] == ['-'] * 4
    assert 'over seeds. Of the training: seeds, iterations, images, labeled.\n' in text


def test_a_model_of_other_classes_is_named(benchmark_of, tmp_path):
    benchmark = benchmark_of(one=[[20.0]], two=[[19.0]])
    sentence = 'No scores of maps: two, whose classes are not those of the data.'
    assert sentence not in write(benchmark, tmp_path)
    assert sentence in write(replace(benchmark, other_classes=['two', 'failed']), tmp_path)


def test_columns_can_be_chosen(fake_table, tmp_path):
    columns = ['LPIPS', 'labeled', 'PSNR', 'images/s']
    path = write_markdown(fake_table, tmp_path / 'results.md', columns=columns)
    text = path.read_text('utf-8')
    assert row_of(text, '', 'All images') == ['LPIPS ↓', 'labeled', 'PSNR ↑', 'images/s']
    assert row_of(text, 'feedback', 'All images')[3] == '19.2'
    assert '## SSIM ↑ by hole area' in text


def test_bins_are_columns_with_their_counts(benchmark_of, tmp_path):
    benchmark = benchmark_of(one=[[20.0, 21.0, 10.0]], two=[[30.0, 31.0, 9.0]])
    text, section = write(benchmark, tmp_path), 'PSNR ↑ by hole area (number of images)'
    assert row_of(text, '', section) == ['all (3)', '10-35 % (1)', '35-60 % (2)']
    assert row_of(text, 'one (reference)', section) == ['17.00', '20.00', '15.50']
    assert row_of(text, 'two', section) == ['**23.33**', '**30.00**', '**20.00**']


def test_what_was_not_measured_is_a_dash(text):
    scores = row_of(text, '', 'All images').index('PSNR ↑')
    assert row_of(text, 'telea', 'All images')[scores + 4] == '-'
    assert row_of(text, 'feedback, mIoU_hole ↑', 'Feedback rounds, all images')[0] == '-'


def test_rounds_are_columns_for_entries_with_rounds(text, fake_table):
    row = row_of(text, 'feedback, PSNR ↑', 'Feedback rounds, all images')
    means = [fake_table.find('feedback', 'PSNR', round_index=index).mean for index in range(4)]
    assert [float(cell.split(' ')[0].strip('*')) for cell in row] == [
        pytest.approx(mean, abs=0.006) for mean in means
    ]
    assert [cell.startswith('**') for cell in row] == [mean == max(means) for mean in means]
    assert 'one_way, PSNR' not in text


def test_metrics_of_a_whole_set_have_no_table_of_bins(text):
    assert '## FID' not in text
    assert '## mIoU_hole ↑ by hole area' in text


def test_failures_are_announced_and_quoted_at_the_end(text):
    assert '- **failed**: 1 of 4 entries (broken); the errors are at the end' in text
    end = text.split('## Failed')[1]
    assert "**broken**\n\n    KeyError: 'backbone'\n    the config has no backbone" in end


def test_a_reference_without_scores_is_said(benchmark_of, tmp_path):
    benchmark = benchmark_of(one=[[1.0, 2.0]], two=[[1.0, 2.0]])
    benchmark.entries[0].runs = []
    text = write(benchmark, tmp_path)
    assert '- reference: one, which has no scores: no changes are given' in text
    assert row_of(text, 'two', 'All images') == ['1.50']


def test_nothing_scored_is_still_a_report(benchmark_of, tmp_path):
    benchmark = benchmark_of(one=[[1.0, 2.0]])
    benchmark.entries[0].runs, benchmark.entries[0].error = [], 'out of memory'
    text = write(benchmark, tmp_path)
    assert re.findall('^#.*', text, flags=re.M) == ['# Benchmark', '## Failed']


def test_shows_the_pictures_it_is_given(benchmark_of, tmp_path):
    text = write(benchmark_of(one=[[1.0, 2.0]]), tmp_path, pictures=['area.png'])
    assert '![area](area.png)' in text


def test_the_log_has_scores_and_costs_in_one_line(benchmark_of):
    one, two = benchmark_of(one=[[20.0, 22.0]], two=[[21.0, 23.0], [22.0, 24.0]]).entries
    one.speed = dict(seconds_per_image=0.048, parameters=1_240_000)
    one.runs[0].set_scores = {'FID': 40.0, 'round1/FID': 50.0}
    line = 'one: PSNR 21.00, FID 40.00 (48 ms/image, 1.24 M parameters)'
    assert summary_line(one) == line
    assert summary_line(two) == 'two: PSNR 22.50 (2 seeds)'


def test_the_log_leaves_out_rounds(fake_benchmark):
    line = summary_line(fake_benchmark.entry('feedback'))
    assert line.count('PSNR') == 1
    assert 'mIoU_hole' in line


def test_the_log_says_why_an_entry_failed(benchmark_of):
    failed = EntryResult('lost', 'lost.py', error='Traceback\nKeyError: backbone\n')
    assert summary_line(failed) == 'lost: failed: KeyError: backbone'
    (partly,) = benchmark_of(one=[[20.0, 22.0]]).entries
    partly.error = 'seed 1: out of memory'
    assert summary_line(partly) == 'one: PSNR 21.00; failed: seed 1: out of memory'
