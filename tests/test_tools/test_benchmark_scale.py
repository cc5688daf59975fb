import pytest


@pytest.fixture
def tool(load_tool):
    return load_tool('benchmark_scale')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['missing.py'], "config 'missing.py' is neither a file nor one of"),
        (['missing.py', '--loader', '5'], "config 'missing.py' is neither a file nor one of"),
        (['a.py', '--axes', 'width'], "invalid choice: 'width'"),
        (['a.py', '--loader', '0'], 'argument --loader: 0 is out of range'),
        (['a.py', '--limit', '0'], 'argument --limit: 0 is out of range'),
    ],
)
def test_wrong_arguments_end_with_a_message(tool, capsys, arguments, message, tmp_path):
    with pytest.raises(SystemExit) as end:
        tool.main([*arguments, '--out', str(tmp_path)])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_the_axes_are_those_that_are_measured(tool):
    from fbinpaint_mm.benchmark.speed.scale import AXES

    assert tool.parse_args(['a.py']).axes == tool.AXES == tuple(AXES)
