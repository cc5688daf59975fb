from __future__ import annotations

from fbinpaint_mm.benchmark.report.speed_ratios import speed_ratios


def test_ratios_of_what_both_have():
    speed = dict(parameters=30, seconds_per_image=0.2, peak_memory=None, flops_per_image=5)
    speed['rounds'] = [dict(seconds_per_image=0.1), dict(seconds_per_image=0.2)]
    reference = dict(parameters=10, seconds_per_image=0.4, flops_per_image=0, peak_memory=3)
    assert speed_ratios(speed, reference) == dict(
        parameters=3.0,
        seconds_per_image=0.5,
        rounds=[dict(seconds_per_image=0.25), dict(seconds_per_image=0.5)],
    )


def test_conditions_are_not_compared():
    speed = dict(parameters=2, conditions=dict(repeats=7))
    assert speed_ratios(speed, speed) == dict(parameters=1.0)


def test_nothing_measured_is_nothing():
    assert speed_ratios({}, dict(parameters=1)) == {}
