"""A missing file ends every tool alike; tools/benchmark.py has tests of its own."""

from __future__ import annotations

import sys

import pytest

OUT = ('--out', 'out')
ARGUMENTS = {
    'analyze_logs': ('cal_train_time', 'missing'),
    'export': ('fbinpaint_demo', 'missing.pth', *OUT),
    'export_holes': ('missing.py', *OUT),
    'inpaint': ('fbinpaint_demo', 'missing.pth', 'a.png', '--generate-mask', 'box', *OUT),
    'prepare_celebamask_hq': ('missing', 'out'),
    'prepare_cityscapes': ('missing',),
    'publish_checkpoint': ('fbinpaint_demo', 'missing.pth', *OUT),
    'run_onnx': ('missing.onnx', 'missing.png', 'missing.png', 'out.png'),
    'test': ('fbinpaint_demo', 'missing.pth'),
    'train': ('missing.py',),
    'web_demo': ('fbinpaint_demo', 'missing.pth', '--device', 'cpu'),
}


@pytest.mark.parametrize('name', ARGUMENTS)
def test_a_missing_file_is_one_line_and_status_2(load_tool, name, monkeypatch, tmp_path, capsys):
    if name == 'web_demo':
        pytest.importorskip('gradio', reason='the page needs the extra [demo]')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', [f'{name}.py', *ARGUMENTS[name]])
    with pytest.raises(SystemExit) as end:
        load_tool(name).main()
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f'{name}.py: ')
    assert 'missing' in line
    assert list(tmp_path.iterdir()) == []
