from __future__ import annotations

import errno
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fbinpaint_mm.benchmark.report import write_all as report
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.benchmark.report.write_all import write_all, write_json

TABLES = ['results.json', 'results.csv', 'results.md']


def load(entry, sample):
    return np.full((16, 16, 3), len(entry), np.uint8)


@pytest.fixture
def benchmark(benchmark_of):
    benchmark = benchmark_of(one=[[20.0, 21.0, 23.0]], two=[[22.0, 19.0, 25.0]])
    benchmark.entries[0].speed = dict(seconds_per_image=0.02, conditions=dict(repeats=7))
    return benchmark


@pytest.fixture
def warnings(monkeypatch):
    found = []
    monkeypatch.setattr(report, 'print_log', lambda text, **kwargs: found.append(text))
    return found


@pytest.fixture(scope='module')
def results(fake_table, tmp_path_factory):
    path = tmp_path_factory.mktemp('report') / 'results.json'
    return json.loads(write_json(fake_table, path).read_text())


def test_json_says_what_was_measured_and_how(results, fake_benchmark):
    assert results['data']['sha256'] == fake_benchmark.data.sha256
    assert results['data']['samples'] == fake_benchmark.data.samples
    assert results['reference'] == 'one_way'
    assert results['protocol']['LPIPS']['backbone'] == 'alex'
    assert results['statistics']['resamples'] == 2000


def test_json_has_a_row_for_every_entry_metric_round_and_bin(results, fake_table):
    scores = pd.DataFrame(results['scores']).set_index(['entry', 'metric', 'round', 'bin'])
    assert len(scores) == len(fake_table.scores)
    row = fake_table.find('feedback', 'PSNR', '20-30', 2)
    stored = scores.loc['feedback', 'PSNR', 2, '20-30']
    assert {*row._fields} == {*scores}
    for key in ('mean', 'std', 'seed_std', 'low', 'change', 'change_high', 'per_seed'):
        assert stored[key] == pytest.approx(getattr(row, key))
    assert stored['seeds'] == 3
    assert np.isnan(scores.loc['one_way', 'PSNR', 'final', 'all']['change'])
    assert np.isnan(scores.loc['feedback', 'FID', 'final', 'all']['low'])


def test_json_has_speed_trainings_and_errors(results):
    ours, broken = (results['entries'][name] for name in ('feedback', 'broken'))
    assert ours['speed']['seconds_per_image'] == 0.052
    assert (ours['runs'][1]['seed'], ours['runs'][1]['training']['iterations']) == (1, 2000)
    assert ours['starts'] == []
    assert ours['trained'] == dict(iterations=2000, images=512, labeled=64)
    assert broken['error'].startswith('KeyError')
    assert broken['runs'] == []


def test_what_is_not_a_number_is_null(benchmark_of, tmp_path):
    table = ScoreTable(benchmark_of(one=[[float('nan'), float('nan')]]))
    text = write_json(table, tmp_path / 'results.json').read_text()
    assert 'NaN' not in text
    (score, *_) = json.loads(text)['scores']
    assert (score['mean'], score['std'], score['count'], score['seeds']) == (None, None, 0, 0)


def test_scores_of_single_seeds_are_in_the_csv_file(fake_benchmark, fake_table, tmp_path):
    write_all(fake_benchmark, tmp_path, load)
    frame = pd.read_csv(tmp_path / 'results.csv')
    assert list(frame) == [
        *('entry', 'seed', 'round', 'metric', 'bin', 'mean', 'std', 'count'),
        *('change', 'change_low', 'change_high', 'change_t_low', 'change_t_high'),
    ]
    series = fake_benchmark.entry('feedback').runs[2].find('PSNR', 1)
    row = frame.query(
        'entry == "feedback" and seed == 2 and metric == "PSNR" and round == "1" and bin == "all"'
    )
    assert row['mean'].item() == series.score()
    assert row['std'].item() == pytest.approx(np.std(series.items, ddof=1))
    compared = fake_table.find('feedback', 'PSNR', round_index=1)
    assert row['change_t_low'].item() == pytest.approx(compared.change_t_low)
    assert frame.query('entry == "telea"')['seed'].isna().all()
    assert frame.query('metric == "FID"')['std'].isna().all()


def test_writes_tables_plots_and_contact_sheets(benchmark, tmp_path):
    paths = write_all(benchmark, tmp_path / 'out', load)
    pictures = ['area.png', 'quality_time.png', 'contact_sheet.png', 'strip.png']
    assert [path.name for path in paths] == TABLES + pictures
    assert sorted(paths) == sorted((tmp_path / 'out').iterdir())
    assert all(Image.open(path).width > 400 for path in paths[3:-1])
    text = (tmp_path / 'out/results.md').read_text(encoding='utf-8')
    assert all(f'![{name[:-4]}]({name})' in text for name in pictures)


def test_latex_and_vector_figures_are_written_where_asked(benchmark, tmp_path):
    foreign = [tmp_path / name for name in ('area.txt', 'contact_sheet_mine.png')]
    for path in foreign:
        path.write_text("another's")
    paths = write_all(benchmark, tmp_path, load, ['PSNR'], latex=True, figures='pdf')
    more = {'results.tex', 'area.pdf', 'quality_time.pdf'}
    assert more <= {path.name for path in paths}
    assert r' & PSNR $\uparrow$ \\' in (tmp_path / 'results.tex').read_text().splitlines()
    assert '.pdf' not in (tmp_path / 'results.md').read_text(encoding='utf-8')
    write_all(benchmark, tmp_path, load)
    left = {path.name for path in tmp_path.iterdir()}
    assert not more & left
    assert all(path.exists() for path in foreign)


def test_a_full_disk_is_no_matter_of_one_picture(benchmark, tmp_path, monkeypatch, warnings):
    def fail(table, path):
        raise OSError(errno.ENOSPC, 'No space left on device', str(path))

    monkeypatch.setattr(report, 'write_area_plot', fail)
    with pytest.raises(OSError, match=r"No space left on device: '.*area\.png'"):
        write_all(benchmark, tmp_path, load)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(TABLES)


def test_what_cannot_be_drawn_costs_only_itself(benchmark, tmp_path, monkeypatch, warnings):
    (tmp_path / 'area.png').write_text('of an earlier report')
    benchmark.entries[0].speed = {}

    def fail(table, path):
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(TABLES)
        raise RuntimeError('no font')

    monkeypatch.setattr(report, 'write_area_plot', fail)
    names = [path.name for path in write_all(benchmark, tmp_path, load)]
    assert names == [*TABLES, 'contact_sheet.png', 'strip.png']
    assert not (tmp_path / 'area.png').exists()
    assert 'area.png' not in (tmp_path / 'results.md').read_text(encoding='utf-8')
    (warning,) = warnings
    assert warning.startswith('area.png could not be drawn: no font; the tables are complete')
    assert 'in fail' in warning


def test_many_entries_get_several_sheets(benchmark_of, tmp_path):
    scores = {f'entry_{index}': [[float(index), 1.0]] for index in range(9)}
    names = [path.name for path in write_all(benchmark_of(**scores), tmp_path, load)]
    sheets = [name for name in names if 'sheet' in name]
    assert sheets == ['contact_sheet.png', 'contact_sheet_2.png']


def test_without_scores_there_are_tables_alone_and_no_warning(benchmark, tmp_path, warnings):
    for entry in benchmark.entries:
        entry.runs, entry.error = [], 'out of memory'
    assert [path.name for path in write_all(benchmark, tmp_path, load)] == TABLES
    assert warnings == []
