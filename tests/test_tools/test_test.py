from __future__ import annotations

import inspect

import pytest

from fbinpaint_mm.cli import running


@pytest.fixture
def tool(load_tool):
    return load_tool('test')


def test_what_is_parsed_is_what_a_test_takes(tool):
    args = tool.parse_args(['demo', 'best.pth', '--out', 'scores.json', '--cfg-options', 'a.b=1'])
    given = inspect.signature(running.run_test).bind(**vars(args)).arguments
    assert given == dict(
        config='demo',
        checkpoint='best.pth',
        out='scores.json',
        work_dir=None,
        cfg_options={'a.b': 1},
        launcher='none',
    )


def test_unknown_format_of_the_scores_is_refused_at_once(tool, capsys):
    with pytest.raises(SystemExit):
        tool.parse_args(['demo', 'best.pth', '--out', 'scores.txt'])
    assert "--out 'scores.txt' should end with one of .json" in capsys.readouterr().err
