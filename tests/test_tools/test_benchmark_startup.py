import pytest


@pytest.fixture
def tool(load_tool):
    return load_tool('benchmark_startup')


@pytest.mark.parametrize(
    ('argv', 'message'),
    [
        (['missing.py'], "config 'missing.py' is neither a file nor one of"),
        (['{config}', 'missing.pth'], "checkpoint 'missing.pth' does not exist"),
        (['{config}', '--repeats', '0'], '--repeats must be at least 1, got 0'),
        (['{config}', '--size', '7'], '--size must be at least 8 pixels, got 7'),
    ],
)
def test_mistakes_are_found_at_once(tool, repository, capsys, argv, message):
    config = repository / 'tests/test_benchmark/small_config.py'
    with pytest.raises(SystemExit) as end:
        tool.main([text.format(config=config) for text in argv])
    assert end.value.code == 2
    assert message in capsys.readouterr().err
