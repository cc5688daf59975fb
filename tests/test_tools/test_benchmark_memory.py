import pytest

from fbinpaint_mm.benchmark.speed import switch_sweep


@pytest.fixture
def tool(load_tool):
    return load_tool('benchmark_memory')


@pytest.fixture
def config(repository):
    return str(repository / 'tests/test_benchmark/small_config.py')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['missing.py'], "config 'missing.py' is neither a file nor one of"),
        (['CONFIG', '--switches', 'plain', 'quick+lean'], '--switches lean, quick: not among'),
        (['CONFIG', '--rounds', '-1'], '--rounds must not be negative'),
        (['CONFIG', '--limit', '0'], '--limit must be positive'),
        (['CONFIG', '--reference-rounds', '5'], '--reference-rounds 5 is not among --rounds'),
    ],
)
def test_wrong_arguments_end_with_a_message(tool, config, capsys, arguments, message):
    with pytest.raises(SystemExit) as end:
        tool.main([config if name == 'CONFIG' else name for name in arguments])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_reference_is_round_two_or_the_last(tool, config):
    assert tool.parse_args([config]).reference_rounds == 2
    assert tool.parse_args([config, '--rounds', '0', '1']).reference_rounds == 1


def test_help_names_every_switch(tool, capsys):
    with pytest.raises(SystemExit):
        tool.parse_args(['--help'])
    shown = capsys.readouterr().out
    assert all(name in shown for name in switch_sweep.SWITCHES)


def test_every_device_is_measured_and_a_failure_ends_in_status_1(tool, config, monkeypatch):
    measured = []

    def sweep(variants, reference_rounds, device, *options):
        measured.append((list(variants), reference_rounds, device))
        return int(device == 'cuda')

    monkeypatch.setattr(switch_sweep, 'run_switch_sweep', sweep)
    options = ['--rounds', '1', '--switches', 'channels_last', '--devices']
    assert tool.main([config, *options, 'cpu']) == 0
    assert tool.main([config, *options, 'cpu', 'cuda']) == 1
    variants = [('plain', 1), ('channels_last', 1)]
    assert measured == [(variants, 1, device) for device in ('cpu', 'cpu', 'cuda')]
