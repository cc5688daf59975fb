from __future__ import annotations

import pytest

from fbinpaint_mm.benchmark.report.choose_samples import SampleRule, choose_samples, choose_strip
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def table_of(benchmark_of):
    def make(*args, edges=(0.1, 0.35, 0.6), **scores):
        return ScoreTable(benchmark_of(*args, **scores), HoleAreaBins(edges))

    return make


def test_medians_of_the_reference_then_the_largest_losses(table_of):
    table = table_of(
        one=[[20.0, 25.0, 22.0, 30.0, 31.0, 39.0]], two=[[20.0, 24.0, 23.0, 27.0, 31.0, 37.0]]
    )
    chosen = choose_samples(table)
    assert [(one.name, one.reason) for one in chosen] == [
        ('002.png', 'median of one by PSNR among holes of 10-35 %'),
        ('004.png', 'median of one by PSNR among holes of 35-60 %'),
        ('003.png', 'worst 1: two is 3.00 PSNR worse than one'),
        ('005.png', 'worst 2: two is 2.00 PSNR worse than one'),
        ('001.png', 'worst 3: two is 1.00 PSNR worse than one'),
    ]
    assert chosen[0].hole_area == table.benchmark.data.hole_areas[2]


def test_losses_follow_the_direction_of_the_metric(table_of):
    table = table_of('LPIPS', False, one=[[0.1, 0.2, 0.3, 0.4]], two=[[0.1, 0.1, 0.5, 0.3]])
    reasons = [one.reason for one in choose_samples(table)]
    assert reasons[2:] == ['worst 1: two is 0.2000 LPIPS worse than one']


def test_no_sample_is_chosen_twice(table_of):
    chosen = choose_samples(table_of(one=[[20.0, 21.0]], two=[[10.0, 11.0]]))
    assert [one.name for one in chosen] == ['000.png', '001.png']
    assert all(one.reason.startswith('median') for one in chosen)


def test_scores_are_means_over_seeds(table_of):
    seeds = [[0.0, 3.0, 4.0, 2.0], [2.0, 2.0, 4.0, 2.0]]
    worst = choose_samples(table_of(one=[[1.0, 3.0, 4.0, 2.0]], two=seeds, edges=(0.1, 0.2)))[-1]
    assert (worst.name, worst.reason) == ('001.png', 'worst 1: two is 0.50 PSNR worse than one')


def test_the_method_is_the_first_entry_with_rounds_else_the_last(fake_table, table_of):
    rule = SampleRule(fake_table)
    assert (rule.metric, rule.reference, rule.method) == ('LPIPS', 'one_way', 'feedback')
    rule = SampleRule(table_of('SSIM', a=[[1.0]], b=[[1.0]], c=[[1.0]]))
    assert (rule.metric, rule.reference, rule.method) == ('SSIM', 'a', 'c')
    assert SampleRule(table_of(a=[[1.0]])).method is None


def test_a_strip_has_the_medians_of_the_method(table_of):
    one, two = [[1.0, 2.0, 3.0, 1.0]], [[5.0, 3.0, 4.0, 9.0]]
    name, chosen = choose_strip(table_of(one=one, two=two, edges=(0.1, 0.5)))
    assert (name, [sample.name for sample in chosen]) == ('two', ['002.png'])
    name, chosen = choose_strip(table_of(one=one, edges=(0.1, 0.5)))
    assert (name, [sample.name for sample in chosen]) == ('one', ['001.png'])


def test_images_without_a_score_are_not_chosen(table_of):
    nan = float('nan')
    table = table_of(one=[[nan, 1.0, nan, nan]], two=[[1.0, 2.0, 1.0, 1.0]])
    assert [one.name for one in choose_samples(table)] == ['001.png']


def test_images_outside_every_bin_are_not_shown(table_of):
    table = table_of(one=[[1.0, 2.0]], edges=(0.2, 0.3))
    with pytest.raises(UserError, match=r'one has no score of an image with a hole of .*20-30'):
        choose_samples(table)
