import inspect
from pathlib import Path

from fbinpaint_mm.cli.export_holes import export_config_holes


def test_what_is_parsed_is_what_the_export_takes(load_tool):
    args = load_tool('export_holes').parse_args(['demo', '--out', 'new', '--cfg-options', 'a=1'])
    given = inspect.signature(export_config_holes).bind(**vars(args)).arguments
    assert given == dict(config='demo', split='test', out=Path('new'), cfg_options={'a': 1})
