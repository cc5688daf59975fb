import pytest

from fbinpaint_mm.benchmark.speed import sweeps


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
    ],
)
def test_wrong_arguments_end_with_a_message(tool, config, capsys, arguments, message):
    with pytest.raises(SystemExit) as end:
        tool.main([config if name == 'CONFIG' else name for name in arguments])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_help_names_every_switch(tool, capsys):
    with pytest.raises(SystemExit):
        tool.parse_args(['--help'])
    shown = capsys.readouterr().out
    assert all(name in shown for name in sweeps.SWITCHES)


def test_a_failure_ends_in_status_1(tool, config, monkeypatch):
    for failed, status in ((0, 0), (3, 1)):
        monkeypatch.setattr(sweeps, 'run_switch_sweeps', lambda args, failed=failed: failed)
        assert tool.main([config]) == status
