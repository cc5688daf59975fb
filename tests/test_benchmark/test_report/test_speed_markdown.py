from __future__ import annotations

from fbinpaint_mm.benchmark.report import speed_markdown


def test_sizes_and_rates_with_their_multiples_of_the_reference(fake_benchmark):
    lines = speed_markdown.speed_section(
        fake_benchmark.entries, fake_benchmark.reference
    ).splitlines()
    header = next(line for line in lines if line.startswith('|  |'))
    assert header.split(' | ')[1:4] == ['parameters', 'FLOPs per image', 'images/s']
    ours = next(line for line in lines if line.startswith('| feedback |'))
    assert '| 1.24 M (×1.00) | 3.52 G (×1.68) | 19.2 (×0.60) | 312 MiB (×1.00) |' in ours
    assert '| 3.21 (×0.60) |' in ours
    telea = next(line for line in lines if line.startswith('| telea |'))
    assert telea == '| telea | 0 (×0.00) | - | 526 (×16.3) | - | - | - | - |'


def test_rounds_are_compared_with_the_whole_reference(fake_benchmark):
    section = speed_markdown.round_speed_section(fake_benchmark.entries, fake_benchmark.reference)
    assert '|  | 0 rounds | 1 round | 2 rounds | 3 rounds |' in section
    assert '| feedback, time per image | 13.0 ms (×0.42) | 26.0 ms (×0.84) |' in section
    assert '| one_way,' not in section


def test_training_is_the_mean_over_seeds(fake_benchmark):
    section = speed_markdown.training_section(fake_benchmark)
    assert '| feedback | 3 | 2000 | 7 min | 3.20 P |' in section
    assert 'telea' not in section


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
    assert '|  | parameters | images/s |' in section
    assert '| two | 10.0 | 2.00 |' in section
    assert section.splitlines()[-1].startswith('Medians; multiply and add')


def test_the_legend_says_how_medians_were_taken(benchmark_of):
    benchmark = benchmark_of(one=[[1.0]], two=[[1.0]])
    one = dict(warm_up=3, repeats=7, batch_size=1, threads=2)
    two = dict(one, repeats=4, training_warm_up=3, training_repeats=5, training_batch_size=8)
    for entry, conditions in zip(benchmark.entries, (one, one), strict=True):
        entry.speed = dict(parameters=10, conditions=conditions)
    first = 'Medians of 7 repeats after 3 warm-up passes, batch size 1, 2 threads; multiply'
    assert (
        speed_markdown.speed_section(benchmark.entries, benchmark.reference)
        .splitlines()[-1]
        .startswith(first)
    )
    benchmark.entries[1].speed['conditions'] = two
    second = (
        'Medians of 4 to 7 repeats after 3 warm-up passes, batch size 1, 2 threads; training: of 5 '
        'repeats after 3, at batch size 8 (that of the config), without loading data; multiply'
    )
    assert (
        speed_markdown.speed_section(benchmark.entries, benchmark.reference)
        .splitlines()[-1]
        .startswith(second)
    )
