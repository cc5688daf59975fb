from __future__ import annotations

from fbinpaint_mm.benchmark.report.choose_samples import (
    choose_samples,
    choose_strip,
    default_metric,
    find_method,
)
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins

HALVES = HoleAreaBins((0.1, 0.35, 0.6))


def test_medians_of_the_reference_then_the_largest_losses(benchmark_of):
    benchmark = benchmark_of(
        one=[[20.0, 25.0, 22.0, 30.0, 31.0, 39.0]],
        two=[[20.0, 24.0, 23.0, 27.0, 31.0, 37.0]],
    )
    chosen = choose_samples(benchmark, HALVES, worst=2)
    assert [(one.name, one.reason) for one in chosen] == [
        ('002.png', 'median of one by PSNR among holes of 10-35 %'),
        ('004.png', 'median of one by PSNR among holes of 35-60 %'),
        ('003.png', 'worst 1: two is 3.00 PSNR worse than one'),
        ('005.png', 'worst 2: two is 2.00 PSNR worse than one'),
    ]
    assert chosen[0].hole_area == benchmark.data.hole_areas[2]


def test_losses_follow_the_direction_of_the_metric(benchmark_of):
    scores = dict(one=[[0.1, 0.2, 0.3, 0.4]], two=[[0.1, 0.1, 0.5, 0.3]])
    benchmark = benchmark_of('LPIPS', higher=False, **scores)
    reasons = [one.reason for one in choose_samples(benchmark, HALVES)]
    assert reasons[2:] == ['worst 1: two is 0.2000 LPIPS worse than one']


def test_no_sample_is_chosen_twice(benchmark_of):
    benchmark = benchmark_of(one=[[20.0, 21.0]], two=[[10.0, 11.0]])
    chosen = choose_samples(benchmark, HALVES)
    assert [one.name for one in chosen] == ['000.png', '001.png']
    assert all(one.reason.startswith('median') for one in chosen)


def test_scores_are_means_over_seeds(benchmark_of):
    benchmark = benchmark_of(
        one=[[1.0, 3.0, 4.0, 2.0]], two=[[0.0, 3.0, 4.0, 2.0], [2.0, 2.0, 4.0, 2.0]]
    )
    worst = choose_samples(benchmark, HoleAreaBins((0.1, 0.2)))[-1]
    assert (worst.name, worst.reason) == ('001.png', 'worst 1: two is 0.50 PSNR worse than one')


def test_the_method_is_the_first_entry_with_rounds_else_the_last(fake_benchmark, benchmark_of):
    entries = fake_benchmark.entries[:-1]
    assert find_method(entries, entries[0]).name == 'feedback'
    without = benchmark_of(a=[[1.0]], b=[[1.0]], c=[[1.0]]).entries
    assert find_method(without, without[0]).name == 'c'
    assert find_method(without[:1], without[0]) is None


def test_a_strip_has_the_medians_of_the_method(benchmark_of):
    scores = dict(one=[[1.0, 2.0, 3.0, 1.0]], two=[[5.0, 3.0, 4.0, 9.0]])
    name, chosen = choose_strip(benchmark_of(**scores), HoleAreaBins((0.1, 0.5)))
    assert (name, [one.name for one in chosen]) == ('two', ['002.png'])
    assert chosen[0].reason == 'median of two by PSNR among holes of 10-50 %'
    name, chosen = choose_strip(benchmark_of(one=scores['one']), HoleAreaBins((0.1, 0.5)))
    assert (name, [one.name for one in chosen]) == ('one', ['001.png'])


def test_images_without_a_score_are_not_chosen(benchmark_of):
    nan = float('nan')
    benchmark = benchmark_of(one=[[nan, 1.0, nan, nan]], two=[[1.0, 2.0, 1.0, 1.0]])
    assert [one.name for one in choose_samples(benchmark, HALVES)] == ['001.png']


def test_the_metric_is_lpips_where_it_was_measured(fake_benchmark, benchmark_of):
    assert default_metric(fake_benchmark) == 'LPIPS'
    assert default_metric(benchmark_of('SSIM', one=[[1.0]])) == 'SSIM'


def test_without_scores_nothing_is_chosen(benchmark_of):
    benchmark = benchmark_of(one=[[1.0, 2.0]])
    benchmark.entries[0].runs = []
    assert choose_samples(benchmark, HALVES) == []


def test_without_another_entry_there_is_no_worst_sample(benchmark_of):
    chosen = choose_samples(benchmark_of(one=[[1.0, 2.0, 3.0]]), HALVES)
    assert [one.reason.split()[0] for one in chosen] == ['median', 'median']
