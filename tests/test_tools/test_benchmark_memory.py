from __future__ import annotations

import json
import multiprocessing
from types import SimpleNamespace

import pytest

from fbinpaint_mm.benchmark.speed import training_cost

CONFIG = 'tests/test_benchmark/small_config.py'


@pytest.fixture
def tool(load_tool):
    return load_tool('benchmark_memory')


@pytest.fixture
def config(repository):
    return str(repository / CONFIG)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['missing.py'], "config file 'missing.py' does not exist"),
        (['CONFIG', '--switches', 'plain', 'quick+lean'], '--switches lean, quick: not among'),
        (['CONFIG', '--rounds', '-1'], '--rounds must not be negative'),
        (['CONFIG', '--repeats', '0'], '--repeats and --limit must be positive'),
        (['CONFIG', '--reference-rounds', '5'], '--reference-rounds 5 is not among --rounds'),
    ],
)
def test_wrong_arguments_end_with_a_message(tool, config, capsys, arguments, message):
    with pytest.raises(SystemExit):
        tool.parse_args([config if name == 'CONFIG' else name for name in arguments])
    assert message in capsys.readouterr().err


def test_reference_is_round_two_or_the_last(tool, config):
    assert tool.parse_args([config]).reference_rounds == 2
    assert tool.parse_args([config, '--rounds', '0', '1']).reference_rounds == 1


def test_each_variant_has_its_switches_and_no_others(tool, config):
    arguments = ['--rounds', '0', '2', '--switches', *tool.SWITCHES, 'channels_last+bfloat16']
    options = ['--cfg-options', 'train_dataloader.batch_size=1']
    variants = tool.build_variants(tool.parse_args([config, *arguments, *options]))
    assert list(variants)[:2] == [('plain', 0), ('plain', 2)]
    assert len(variants) == 2 * (len(tool.SWITCHES) + 1)
    found = {
        (name, rounds): (
            cfg.model.train_cfg.get('checkpoint_rounds', False),
            cfg.model.train_cfg.get('only_last_learns', False),
            cfg.model.get('channels_last', False),
            cfg.model.get('compile_networks', False),
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
        assert found['plain', rounds] == (False, False, False, False, plain)
        assert found['checkpoint_rounds', rounds] == (True, False, False, False, plain)
        assert found['only_last_learns', rounds] == (False, True, False, False, plain)
        assert found['channels_last', rounds] == (False, False, True, False, plain)
        assert found['compile_networks', rounds] == (False, False, False, True, plain)
        assert found['bfloat16', rounds] == (False, False, False, False, lower)
        assert found['channels_last+bfloat16', rounds] == (False, False, True, False, lower)


def test_a_run_measures_and_reports_failures(tool, config, tmp_path, capsys, monkeypatch):
    """One variant trains; the other cannot, since its rounds share one graph.

    Processes are forked from this one: a fork server would import everything once more.
    """
    monkeypatch.setattr(training_cost, 'CONTEXT', multiprocessing.get_context('fork'))
    arguments = [config, '--rounds', '1', '--switches', 'only_last_learns', '--repeats', '2']
    options = ['--out', str(tmp_path), '--cfg-options', 'model.detach_rounds=False']
    args = tool.parse_args([*arguments, *options])
    assert tool.measure(args, 'cpu') == 1
    failed = '`only_last_learns` with R = 1 failed: train_cfg.only_last_learns=True needs'
    assert failed in capsys.readouterr().out
    report = json.loads((tmp_path / 'memory_cpu.json').read_text())
    cost = report['costs']['plain']['1']
    assert report['reference'] == ['plain', 1]
    assert (cost['batch_size'], cost['warm_up'], cost['repeats']) == (2, 2, 2)
    assert 0 < cost['peak_memory'] < 2**30
    assert cost['seconds'] > 0
    assert 'needs detach_rounds=True' in report['costs']['only_last_learns']['1']['error']
    assert '×1.00' in (tmp_path / 'memory_cpu.md').read_text()


def test_each_device_is_measured_where_no_other_is_seen(tool, monkeypatch):
    calls = []

    def run(command, env):
        calls.append((command[-2:], env.get('CUDA_VISIBLE_DEVICES')))
        return SimpleNamespace(returncode=int('cuda' in command))

    monkeypatch.setattr(tool.subprocess, 'run', run)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '3')
    assert tool.measure_apart(['cpu', 'cuda']) == 1
    assert calls == [(['--devices', 'cpu'], ''), (['--devices', 'cuda'], '3')]
