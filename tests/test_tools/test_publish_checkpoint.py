import inspect
from pathlib import Path

import pytest

from fbinpaint_mm.cli.publishing import publish


@pytest.fixture
def tool(load_tool):
    return load_tool('publish_checkpoint')


def test_what_is_parsed_is_what_publishing_takes(tool):
    args = tool.parse_args(['demo', 'best.pth', '--out', 'new'])
    given = inspect.signature(publish).bind(**vars(args)).arguments
    expected = dict(config='demo', checkpoint='best.pth', out=Path('new'))
    assert given == dict(expected, url='', scores=None, dataset='')


@pytest.mark.parametrize('option', ['--scores', '--dataset'])
def test_scores_and_data_set_belong_together(tool, capsys, option):
    with pytest.raises(SystemExit):
        tool.parse_args(['demo', 'best.pth', '--out', 'new', option, 'one'])
    assert '--scores and --dataset belong together' in capsys.readouterr().err


def test_a_mistake_ends_in_one_line(tool, monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['publish_checkpoint.py', 'missing', 'a.pth', '--out', 'new'])
    with pytest.raises(SystemExit):
        tool.main()
    error = capsys.readouterr().err
    assert error.startswith("publish_checkpoint.py: config 'missing' is neither a file nor")
    assert error.count('\n') == 1
