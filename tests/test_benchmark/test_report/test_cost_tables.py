from __future__ import annotations

from fbinpaint_mm.benchmark.report.cost_tables import cost_tables

COSTS = {
    'plain': {
        0: dict(peak_memory=100 * 2**20, seconds=0.5),
        2: dict(peak_memory=400 * 2**20, seconds=2.0),
    },
    'checkpoint_rounds': {
        0: dict(peak_memory=100 * 2**20, seconds=0.75),
        2: dict(error='RuntimeError: no memory'),
    },
}


def test_every_number_has_its_multiple_of_the_reference():
    lines = cost_tables(COSTS, ('plain', 2)).splitlines()
    assert lines[0] == '**Peak memory of a training iteration**, × `plain` with R = 2'
    assert lines[2:6] == [
        '| switch | R = 0 | R = 2 |',
        '| :-- | --: | --: |',
        '| `plain` | 100 MiB ×0.25 | 400 MiB ×1.00 |',
        '| `checkpoint_rounds` | 100 MiB ×0.25 | - |',
    ]
    assert '| `plain` | 500 ms ×0.25 | 2.00 s ×1.00 |' in lines
    assert lines[-1] == '- `checkpoint_rounds` with R = 2 failed: RuntimeError: no memory'


def test_without_a_reference_there_are_no_multiples():
    """As in the report of a call that has only begun."""
    text = cost_tables({'plain': {0: COSTS['plain'][0]}}, ('plain', 2))
    assert '| `plain` | 100 MiB |' in text
    assert 'failed' not in text
