from __future__ import annotations

import json

import numpy as np
import pytest

from fbinpaint_mm.benchmark.report.report_json import plain, speed_ratios, write_json
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins


@pytest.fixture(scope='module')
def report(fake_benchmark, fake_table, tmp_path_factory):
    path = tmp_path_factory.mktemp('report') / 'results.json'
    return json.loads(write_json(fake_benchmark, fake_table, path).read_text())


def test_says_what_was_measured_and_how(report, fake_benchmark):
    assert report['data']['sha256'] == fake_benchmark.data.sha256
    assert report['data']['samples'] == fake_benchmark.data.samples
    assert report['reference'] == 'one_way'
    assert report['protocol']['LPIPS']['backbone'] == 'alex'
    assert report['environment']['threads'] == 2
    assert report['statistics']['resamples'] == 2000
    assert report['bins'][:2] == ['all', '10-20']


def test_holds_every_metric_round_and_bin(report, fake_table):
    scores = report['entries']['feedback']['scores']
    assert list(scores) == fake_table.metrics
    assert list(scores['PSNR']) == ['round0', 'round1', 'round2', 'round3', 'final']
    assert list(scores['mIoU_hole']) == ['round1', 'round2', 'round3', 'final']
    assert all(list(bins) == report['bins'] for bins in scores['PSNR'].values())
    stored = scores['PSNR']['round2']['20-30']
    row = fake_table.find('feedback', 'PSNR', '20-30', 2)
    for key in ('mean', 'std', 'count', 'seed_std', 'seeds', 'per_seed'):
        assert stored[key] == getattr(row, key)
    assert (stored['seeds'], np.mean(stored['per_seed'])) == (3, pytest.approx(stored['mean']))
    assert stored['interval'] == [row.low, row.high]
    change = dict(relative=row.change, low=row.change_low, high=row.change_high, confidence=0.95)
    assert stored['change'] == change
    assert report['entries']['one_way']['scores']['PSNR']['final']['all']['change'] is None
    assert scores['FID']['final']['all']['interval'] is None


def test_holds_speed_its_ratios_training_and_errors(report):
    ours, broken = (report['entries'][name] for name in ('feedback', 'broken'))
    assert ours['speed_ratios']['seconds_per_image'] == pytest.approx(0.052 / 0.031)
    assert ours['speed_ratios']['rounds'][0]['seconds_per_image'] == pytest.approx(0.013 / 0.031)
    assert ours['runs'][1]['seed'] == 1
    assert ours['runs'][1]['training']['iterations'] == 2000
    assert ours['starts'] == []
    assert broken['error'].startswith('KeyError')
    assert broken['scores'] == {}
    assert report['entries']['telea']['speed_ratios'].keys() == {'parameters', 'seconds_per_image'}


def test_what_is_not_a_number_is_null(benchmark_of, tmp_path):
    benchmark = benchmark_of(one=[[float('nan'), float('nan')]])
    benchmark.environment = {'path': tmp_path, 'versions': np.array([1, 2]), 'best': np.inf}
    path = tmp_path / 'results.json'
    text = write_json(benchmark, ScoreTable(benchmark, HoleAreaBins()), path).read_text()
    assert 'NaN' not in text
    report = json.loads(text)
    score = report['entries']['one']['scores']['PSNR']['final']['all']
    assert (score['mean'], score['std'], score['count'], score['seeds']) == (None, None, 0, 0)
    assert report['environment'] == {'path': str(tmp_path), 'versions': [1, 2], 'best': None}


def test_plain_types_stay_what_they_are():
    value = {'a': [True, 1, 'x', None, 0.5], 2: (1.0,)}
    assert plain(value) == {'a': [True, 1, 'x', None, 0.5], '2': [1.0]}


def test_speed_ratios_are_of_what_both_have_and_not_of_conditions():
    speed = dict(parameters=30, seconds_per_image=0.2, peak_memory=None, flops_per_image=5)
    speed['rounds'] = [dict(seconds_per_image=0.1), dict(seconds_per_image=0.2)]
    speed['conditions'] = dict(repeats=7)
    reference = dict(parameters=10, seconds_per_image=0.4, flops_per_image=0, peak_memory=3)
    reference['conditions'] = dict(repeats=7)
    assert speed_ratios(speed, reference) == dict(
        parameters=3.0,
        seconds_per_image=0.5,
        rounds=[dict(seconds_per_image=0.25), dict(seconds_per_image=0.5)],
    )
    assert speed_ratios({}, dict(parameters=1)) == {}
