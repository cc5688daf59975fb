from __future__ import annotations

from fbinpaint_mm.benchmark.report import speed_markdown

COSTS = {
    'plain': {
        2: dict(peak_memory=400 * 2**20, seconds=2.0),
        0: dict(peak_memory=100 * 2**20, seconds=0.5),
    },
    'checkpoint_rounds': {
        0: dict(peak_memory=100 * 2**20, seconds=0.75),
        2: dict(error='RuntimeError: no memory'),
    },
}


def rows_of(section: str) -> dict[str, list[str]]:
    """First cell of each row of a table in Markdown -> the other cells."""
    rows = [line.strip('|').split('|') for line in section.splitlines() if line.startswith('|')]
    return {title.strip(): [cell.strip() for cell in cells] for title, *cells in rows}


def test_sizes_and_rates_with_their_multiples_of_the_reference(fake_benchmark):
    section = speed_markdown.speed_section(fake_benchmark.entries, fake_benchmark.reference)
    rows = rows_of(section)
    assert rows[''][:3] == ['parameters', 'FLOPs per image', 'images/s']
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


def test_rounds_are_compared_with_the_whole_reference(fake_benchmark):
    section = speed_markdown.round_speed_section(fake_benchmark.entries, fake_benchmark.reference)
    rows = rows_of(section)
    assert rows[''] == ['0 rounds', '1 round', '2 rounds', '3 rounds']
    assert rows['feedback, time per image'][:2] == ['13 ms (×0.42)', '26 ms (×0.84)']
    assert 'one_way,' not in section


def test_an_entry_with_fewer_rounds_has_dashes(benchmark_of):
    benchmark = benchmark_of(one=[[1.0]], two=[[1.0]])
    for count, entry in enumerate(benchmark.entries, start=1):
        entry.speed = dict(rounds=[dict(flops_per_image=10)] * count)
    rows = rows_of(speed_markdown.round_speed_section(benchmark.entries, 'one'))
    assert rows['one, FLOPs per image'] == ['10', '-']
    assert rows['two, FLOPs per image'] == ['10', '10']


def test_training_is_the_mean_over_seeds(fake_benchmark):
    rows = rows_of(speed_markdown.training_section(fake_benchmark))
    assert rows[''] == ['seeds', 'iterations', 'time', 'FLOPs']
    assert rows['feedback'] == ['3', '2000', '0:07:12', '3.2 P']
    assert 'telea' not in rows


def test_says_what_trainings_started_from(benchmark_of):
    benchmark = benchmark_of(one=[[1.0]], two=[[1.0]])
    for entry in benchmark.entries:
        entry.runs[0].training = dict(iterations=5)
    assert 'started' not in speed_markdown.training_section(benchmark)
    benchmark.entries[1].starts = [
        dict(checkpoint='initial/iter_5.pth', sha256='01234567'),
        dict(checkpoint='segmentor/best.pth', sha256='89abcdef'),
    ]
    end = speed_markdown.training_section(benchmark).split('SHA-256):')[1]
    assert end == '\n\n- two: `initial/iter_5.pth` (01234567), `segmentor/best.pth` (89abcdef)'


def test_what_was_not_measured_has_no_section(benchmark_of):
    benchmark = benchmark_of(one=[[1.0, 2.0]])
    assert speed_markdown.speed_section(benchmark.entries, benchmark.reference) == ''
    assert speed_markdown.round_speed_section(benchmark.entries, benchmark.reference) == ''
    assert speed_markdown.training_section(benchmark) == ''


def test_without_a_speed_of_the_reference_there_are_no_multiples(benchmark_of):
    benchmark = benchmark_of(one=[[1.0]], two=[[1.0]])
    benchmark.entries[1].speed = dict(parameters=10, seconds_per_image=0.5)
    section = speed_markdown.speed_section(benchmark.entries, benchmark.reference)
    assert rows_of(section)[''] == ['parameters', 'images/s']
    assert rows_of(section)['two'] == ['10', '2']
    assert section.splitlines()[-1].startswith('Medians; multiply and add')


def test_the_legend_says_how_medians_were_taken(benchmark_of):
    benchmark = benchmark_of(one=[[1.0]], two=[[1.0]])
    one = dict(warm_up=3, repeats=7, batch_size=1, threads=2)
    two = dict(one, repeats=4, training_warm_up=3, training_repeats=5, training_batch_size=8)
    for entry, conditions in zip(benchmark.entries, (one, one), strict=True):
        entry.speed = dict(parameters=10, conditions=conditions)
    section = speed_markdown.speed_section(benchmark.entries, benchmark.reference)
    same = 'Medians (warm up 3, repeats 7, batch size 1, threads 2); multiply and add count'
    assert same in section
    benchmark.entries[1].speed['conditions'] = two
    section = speed_markdown.speed_section(benchmark.entries, benchmark.reference)
    assert (
        'Medians (warm up 3, repeats 4 to 7, batch size 1, threads 2, training warm up 3, training '
        'repeats 5, training batch size 8); training at the batch size of the config, without '
        'loading data; multiply'
    ) in section


def test_every_cost_has_its_multiple_of_the_reference():
    text = speed_markdown.cost_tables(COSTS, ('plain', 2))
    title, memory, _, time, failure = text.split('\n\n')
    assert title == (
        '**Peak memory of a training iteration**, in brackets: multiple of `plain` with R = 2'
    )
    assert rows_of(memory)['switch'] == ['R = 0', 'R = 2']
    assert rows_of(memory)['`plain`'] == ['100 MiB (×0.25)', '400 MiB (×1.00)']
    assert rows_of(memory)['`checkpoint_rounds`'] == ['100 MiB (×0.25)', '-']
    assert rows_of(time)['`plain`'] == ['500 ms (×0.25)', '2 s (×1.00)']
    assert failure == '- `checkpoint_rounds` with R = 2 failed: RuntimeError: no memory'


def test_without_a_reference_costs_have_no_multiples():
    """As in the report of a call that has only begun."""
    text = speed_markdown.cost_tables({'plain': {0: COSTS['plain'][0]}}, ('plain', 2))
    assert rows_of(text)['`plain`'] == ['500 ms']
    assert 'failed' not in text
