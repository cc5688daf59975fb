from __future__ import annotations

import pandas
import pytest

from fbinpaint_mm.benchmark.report.report_csv import write_csv


@pytest.fixture(scope='module')
def frame(fake_table, tmp_path_factory):
    return pandas.read_csv(write_csv(fake_table, tmp_path_factory.mktemp('report') / 'results.csv'))


def test_has_one_row_per_combination(frame):
    assert list(frame) == ['entry', 'seed', 'round', 'metric', 'bin', 'mean', 'std', 'count']
    assert not frame.duplicated(['entry', 'seed', 'round', 'metric', 'bin']).any()
    ours = frame.query('entry == "feedback" and metric == "PSNR"')
    assert len(ours) == 3 * 5 * 6
    assert set(ours['round']) == {'0', '1', '2', '3', 'final'}


def test_means_over_seeds_are_those_of_the_table(frame, fake_table):
    final = frame[(frame['round'] == 'final') & (frame['bin'] == '40-50')]
    means = final.groupby(['entry', 'metric'])['mean'].mean()
    for (entry, metric), mean in means.items():
        assert mean == pytest.approx(fake_table.find(entry, metric, '40-50').spread.mean)


def test_what_is_unknown_is_empty(frame):
    assert frame.query('entry == "telea"')['seed'].isna().all()
    assert frame.query('metric == "FID"')['std'].isna().all()
    assert frame.query('metric == "PSNR"')['std'].notna().all()
