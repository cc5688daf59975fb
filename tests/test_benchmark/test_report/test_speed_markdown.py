from __future__ import annotations

import pytest

from fbinpaint_mm.benchmark.report.speed_markdown import speed_section, training_section

CONDITIONS = dict(warm_up=3, repeats=7, batch_size=1, threads=2)


def rows_of(section: str) -> dict[str, list[str]]:
    """First cell of each row of the tables in Markdown -> the other cells."""
    rows = [line.strip('|').split('|') for line in section.splitlines() if line.startswith('|')]
    return {title.strip(): [cell.strip() for cell in cells] for title, *cells in rows}


@pytest.fixture(scope='module')
def speeds(fake_benchmark):
    return {entry.name: entry.speed for entry in fake_benchmark.entries}


def test_sizes_and_rates_with_their_multiples_of_the_reference(speeds):
    section = speed_section(speeds, 'one_way', 'Speed')
    rows = rows_of(section)
    assert section.startswith('## Speed\n')
    assert 'parameters | FLOPs per image | images/s' in ' '.join(section.split())
    assert rows['feedback'] == [
        '1.24 M (×1.00)',
        '3.52 G (×1.68)',
        '19.2 (×0.60)',
        '312 MiB (×1.00)',
        '3.21 (×0.60)',
        '130 G (×1.00)',
        '1434 MiB (×1.00)',
    ]
    assert rows['telea'] == ['0 (×0.00)', '-', '526 (×16.32)', '-', '-', '-', '-']


def test_rounds_are_compared_with_the_whole_reference(speeds):
    rows = rows_of(speed_section(speeds, 'one_way', 'Speed'))
    assert rows[''] == ['0 rounds', '1 round', '2 rounds', '3 rounds']
    assert rows['feedback, time per image'][:2] == ['13 ms (×0.42)', '26 ms (×0.84)']
    assert 'one_way, time per image' not in rows


def test_what_is_missing_is_a_dash_and_what_failed_is_told():
    speeds = {
        name: dict(parameters=5, conditions=CONDITIONS, rounds=[dict(flops_per_image=10)] * count)
        for count, name in enumerate(['one', 'two'], start=1)
    }
    section = speed_section({**speeds, 'three': dict(error='no memory')}, 'one', 'Speed')
    rows = rows_of(section)
    assert rows['one, FLOPs per image'] == ['10', '-']
    assert rows['two, FLOPs per image'] == ['10', '10']
    assert section.endswith('\n\n- **three** failed: no memory')


def test_training_is_the_mean_over_seeds(fake_benchmark):
    rows = rows_of(training_section(fake_benchmark.entries))
    assert rows[''] == ['seeds', 'iterations', 'time', 'CPU time', 'FLOPs']
    assert rows['feedback'] == ['3', '2000', '0:07:12', '0:06:42', '3.2 P']
    assert 'telea' not in rows


def test_says_what_trainings_started_from(benchmark_of):
    entries = benchmark_of(one=[[1.0]], two=[[1.0]]).entries
    for entry in entries:
        entry.runs[0].training = dict(iterations=5)
    assert 'started' not in training_section(entries)
    entries[1].starts = [
        dict(checkpoint='initial/iter_5.pth', sha256='01234567'),
        dict(checkpoint='segmentor/best.pth', sha256='89abcdef'),
    ]
    end = training_section(entries).split('SHA-256):')[1]
    assert end == '\n\n- two: `initial/iter_5.pth` (01234567), `segmentor/best.pth` (89abcdef)'


def test_what_was_not_measured_has_no_section(benchmark_of):
    assert speed_section({'one': {}}, 'one', 'Speed') == ''
    assert training_section(benchmark_of(one=[[1.0, 2.0]]).entries) == ''


def test_without_a_speed_of_the_reference_there_are_no_multiples():
    two = dict(parameters=10, seconds_per_image=0.5, conditions=CONDITIONS)
    rows = rows_of(speed_section(dict(one={}, two=two), 'one', 'Speed'))
    assert rows[''] == ['parameters', 'images/s']
    assert rows['two'] == ['10', '2']


def test_the_legend_says_how_medians_were_taken():
    more = dict(repeats=4, training_warm_up=3, training_repeats=5, training_batch_size=8)
    speeds = {'one': dict(parameters=10, conditions=CONDITIONS)}
    same = 'Medians (warm up 3, repeats 7, batch size 1, threads 2); multiply and add count'
    assert same in speed_section(speeds, 'one', 'Speed')
    speeds['two'] = dict(parameters=10, conditions={**CONDITIONS, **more})
    assert (
        'Medians (warm up 3, repeats 4 to 7, batch size 1, threads 2, training warm up 3, training '
        'repeats 5, training batch size 8); training at the batch size of the config, without '
        'loading data; multiply'
    ) in speed_section(speeds, 'one', 'Speed')
