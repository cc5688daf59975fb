"""In this process; ``test_measure_speed.py`` has one of its own."""

import json

import pytest

from fbinpaint_mm.benchmark.speed import switch_sweep
from fbinpaint_mm.benchmark.speed.switch_sweep import SWITCHES, build_variants, run_switch_sweep


@pytest.fixture
def config(repository):
    return str(repository / 'tests/test_benchmark/small_config.py')


def test_each_variant_has_its_switches_and_no_others(config):
    options = {'train_dataloader.batch_size': 1}
    variants = build_variants(config, options, [*SWITCHES, 'channels_last+bfloat16'], [0, 2])
    assert list(variants)[:2] == [('plain', 0), ('plain', 2)]
    assert len(variants) == 2 * (len(SWITCHES) + 1)
    found = {
        (name, rounds): (
            cfg.model.train_cfg.get('checkpoint_rounds', False),
            cfg.model.train_cfg.get('only_last_learns', False),
            cfg.model.get('channels_last', False),
            cfg.optim_wrapper.generator.type,
        )
        for (name, rounds), cfg in variants.items()
    }
    assert all(
        cfg.model.train_cfg.rounds == rounds and cfg.train_dataloader.batch_size == 1
        for (_, rounds), cfg in variants.items()
    )
    plain, lower = 'OptimWrapper', 'BFloat16OptimWrapper'
    for rounds in (0, 2):
        assert found['plain', rounds] == (False, False, False, plain)
        assert found['checkpoint_rounds', rounds] == (True, False, False, plain)
        assert found['only_last_learns', rounds] == (False, True, False, plain)
        assert found['channels_last', rounds] == (False, False, True, plain)
        assert found['bfloat16', rounds] == (False, False, False, lower)
        assert found['channels_last+bfloat16', rounds] == (False, False, True, lower)


def test_a_failure_is_reported_beside_what_was_measured(config, tmp_path, capsys, monkeypatch):
    def call(function, settings, *arguments, log, device):
        if settings['model'].get('channels_last'):
            raise ChildProcessError('the process was killed')
        return function(settings, *arguments)

    monkeypatch.setattr(switch_sweep, 'call_in_process', call)
    variants = build_variants(config, {}, ['channels_last'], [1])
    assert run_switch_sweep(variants, 1, 'cpu', tmp_path, ['x'], duration=0.0) == 1
    failed = '- `channels_last` with R = 1 failed: the process was killed'
    assert failed in capsys.readouterr().out
    report = json.loads((tmp_path / 'memory_cpu.json').read_text())
    cost = report['costs']['plain']['1']
    assert report['reference'] == ['plain', 1]
    assert (cost['batch_size'], cost['warm_up'], cost['repeats']) == (2, 1, 1)
    assert 0 <= cost['peak_memory'] < 2**30
    assert cost['seconds'] > 0
    assert report['costs']['channels_last']['1'] == dict(error='the process was killed')
    assert '×1.00' in (tmp_path / 'memory_cpu.md').read_text()
