from __future__ import annotations

from fbinpaint_mm.benchmark.report.summary_line import summary_line
from fbinpaint_mm.benchmark.results import EntryResult


def test_scores_and_costs_in_one_line(benchmark_of):
    one, two = benchmark_of(one=[[20.0, 22.0]], two=[[21.0, 23.0], [22.0, 24.0]]).entries
    one.speed = dict(seconds_per_image=0.048, parameters=1_240_000)
    one.runs[0].set_scores = {'FID': 40.0, 'round1/FID': 50.0}
    line = 'one: PSNR 21.00, FID 40.00 (48.0 ms/image, 1.24 M parameters)'
    assert summary_line(one) == line
    assert summary_line(one, one) == line
    assert summary_line(two) == 'two: PSNR 22.50 (2 seeds)'
    assert summary_line(two, one) == 'two: PSNR 22.50 (+7.14 %) (2 seeds)'


def test_rounds_are_left_out(fake_benchmark):
    line = summary_line(fake_benchmark.entry('feedback'), fake_benchmark.entry('one_way'))
    assert line.count('PSNR') == 1
    assert 'mIoU_hole' in line


def test_failures_say_why(benchmark_of):
    failed = EntryResult('lost', 'lost.py', error='Traceback\nKeyError: backbone\n')
    assert summary_line(failed) == 'lost: failed: KeyError: backbone'
    (partly,) = benchmark_of(one=[[20.0, 22.0]]).entries
    partly.error = 'seed 1: out of memory'
    assert summary_line(partly) == 'one: PSNR 21.00; failed: seed 1: out of memory'


def test_a_reference_without_that_score_gives_no_change(benchmark_of):
    (one,) = benchmark_of(one=[[20.0, 22.0]]).entries
    (other,) = benchmark_of('SSIM', other=[[0.5, 0.6]]).entries
    assert summary_line(one, other) == 'one: PSNR 21.00'
