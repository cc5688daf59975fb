import pytest

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.training.training_budget import plan_iterations

ENTRIES = [
    Entry('ours', 'ours.py'),
    Entry('slow', 'slow.py'),
    Entry('telea', 'telea'),
    Entry('old', 'ours.py', 'old.pth'),
    Entry('fast', 'fast.py'),
]
SPEEDS = {
    'ours': dict(training_seconds_per_iteration=0.2, training_flops_per_iteration=3e9),
    'slow': dict(training_seconds_per_iteration=60.0, training_flops_per_iteration=6e9),
    'fast': dict(training_seconds_per_iteration=0.13, training_flops_per_iteration=1e9),
    'old': {},
    'telea': {},
}


@pytest.mark.parametrize(
    ('equal', 'reference', 'expected'),
    [
        ('iterations', 'ours', dict(ours=100, slow=100, fast=100)),
        ('seconds', 'ours', dict(ours=100, slow=1, fast=154)),
        ('flops', 'ours', dict(ours=100, slow=50, fast=300)),
        ('flops', 'fast', dict(ours=33, slow=17, fast=100)),
        ('flops', 'telea', dict(ours=100, slow=50, fast=300)),
        ('flops', 'old', dict(ours=100, slow=50, fast=300)),
    ],
)
def test_all_spend_what_the_reference_spends(equal, reference, expected):
    assert plan_iterations(ENTRIES, reference, 100, equal, SPEEDS) == expected


def test_an_entry_whose_cost_is_unknown_has_no_budget():
    speeds = {**SPEEDS, 'slow': dict(parameters=5)}
    assert plan_iterations(ENTRIES, 'ours', 100, 'seconds', speeds) == dict(ours=100, fast=154)
    assert plan_iterations(ENTRIES, 'slow', 100, 'seconds', speeds) == {}
    assert plan_iterations(ENTRIES, 'slow', 100, 'iterations', {})['slow'] == 100
