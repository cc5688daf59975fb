from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fbinpaint_mm.benchmark.report import write_all as report
from fbinpaint_mm.benchmark.report.write_all import write_all
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins

TABLES = ['results.json', 'results.csv', 'results.md']


def load(entry, sample):
    return np.full((16, 16, 3), len(entry), np.uint8)


@pytest.fixture
def benchmark(benchmark_of):
    benchmark = benchmark_of(one=[[20.0, 21.0, 23.0]], two=[[22.0, 19.0, 25.0]])
    for entry in benchmark.entries:
        entry.speed = dict(seconds_per_image=0.02)
    return benchmark


def test_writes_tables_plots_and_a_contact_sheet(benchmark, tmp_path):
    paths = write_all(benchmark, tmp_path / 'out', load, HoleAreaBins((0.1, 0.6)))
    pictures = ['area.png', 'quality_time.png', 'contact_sheet.png', 'strip.png']
    assert [path.name for path in paths] == TABLES + pictures
    assert sorted(paths) == sorted((tmp_path / 'out').iterdir())
    assert all(Image.open(path).width > 400 for path in paths[3:-1])
    text = (tmp_path / 'out/results.md').read_text(encoding='utf-8')
    assert all(f'![{name[:-4]}]({name})' in text for name in pictures)


def test_scores_of_single_seeds_are_in_the_csv_file(fake_benchmark, fake_table, tmp_path):
    report.write_tables(fake_benchmark, fake_table, tmp_path)
    frame = pd.read_csv(tmp_path / 'results.csv')
    assert list(frame) == ['entry', 'seed', 'round', 'metric', 'bin', 'mean', 'std', 'count']
    series = fake_benchmark.entry('feedback').runs[2].find('PSNR', 1)
    row = frame.query(
        'entry == "feedback" and seed == 2 and metric == "PSNR" and round == "1" and bin == "all"'
    )
    assert row['mean'].item() == series.score()
    assert row['std'].item() == pytest.approx(np.std(series.items, ddof=1))
    assert frame.query('entry == "telea"')['seed'].isna().all()
    assert frame.query('metric == "FID"')['std'].isna().all()


def test_without_pictures_there_is_no_contact_sheet(benchmark, tmp_path):
    names = [path.name for path in write_all(benchmark, tmp_path)]
    assert names == [*TABLES, 'area.png', 'quality_time.png']


def test_without_times_there_is_no_plot_of_them(benchmark, tmp_path):
    for entry in benchmark.entries:
        entry.speed = {}
    assert [path.name for path in write_all(benchmark, tmp_path)] == [*TABLES, 'area.png']


def test_a_picture_that_fails_costs_only_itself(benchmark, tmp_path, monkeypatch):
    (tmp_path / 'area.png').write_text('of an earlier report')
    warnings = []
    monkeypatch.setattr(report, 'print_log', lambda text, **kwargs: warnings.append(text))

    def fail(table, path):
        raise RuntimeError('no font')

    monkeypatch.setattr(report, 'write_area_plot', fail)
    names = [path.name for path in write_all(benchmark, tmp_path)]
    assert names == [*TABLES, 'quality_time.png']
    assert not (tmp_path / 'area.png').exists()
    assert 'area.png' not in (tmp_path / 'results.md').read_text(encoding='utf-8')
    (warning,) = warnings
    assert warning.startswith('area.png could not be drawn: no font; the tables are complete')
    assert 'in fail' in warning


def test_tables_are_there_before_the_first_picture(benchmark, tmp_path, monkeypatch):
    def interrupt(table, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, 'write_area_plot', interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_all(benchmark, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(TABLES)


def test_many_entries_get_several_sheets(benchmark_of, tmp_path):
    scores = {f'entry_{index}': [[float(index), 1.0]] for index in range(9)}
    paths = write_all(benchmark_of(**scores), tmp_path, load)
    names = [path.name for path in paths if 'sheet' in path.name]
    assert names == ['contact_sheet.png', 'contact_sheet_2.png']


def test_without_scores_there_are_tables_alone_and_no_warning(benchmark, tmp_path, monkeypatch):
    warnings = []
    monkeypatch.setattr(report, 'print_log', lambda text, **kwargs: warnings.append(text))
    for entry in benchmark.entries:
        entry.runs, entry.error = [], 'out of memory'
    assert [path.name for path in write_all(benchmark, tmp_path, load)] == TABLES
    assert warnings == []
