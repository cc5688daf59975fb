from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys

import pytest
import torch


@pytest.fixture
def tool(load_tool):
    pytest.importorskip('gradio', reason='the page needs the extra [demo]')
    return load_tool('web_demo')


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def error_of(tool, capsys, *argv) -> str:
    with pytest.raises(SystemExit) as stopped:
        tool.parse_args([str(argument) for argument in argv])
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_the_name_of_a_config_is_enough(tool, repository, free_port):
    args = tool.parse_args(['fbinpaint_demo', '--port', str(free_port)])

    assert args.config == str(repository / 'configs/fbinpaint_demo.py')
    assert (args.checkpoint, args.host, args.port, args.device) == (
        *(None, '127.0.0.1'),
        *(free_port, None),
    )


def test_a_config_that_does_not_exist_is_named_with_similar_ones(tool, capsys):
    assert 'fbinpaint_demo.py' in error_of(tool, capsys, 'fbinpaint_dem0')


def test_a_checkpoint_that_does_not_exist_is_named(tool, tmp_path, capsys):
    message = error_of(tool, capsys, 'fbinpaint_demo', tmp_path / 'no.pth')
    assert 'no.pth' in message
    assert 'does not exist' in message


@pytest.mark.parametrize('port', [0, 65536, -1])
def test_a_number_that_is_no_port_is_refused(tool, capsys, port):
    message = error_of(tool, capsys, 'fbinpaint_demo', f'--port={port}')
    assert f'--port must be between 1 and 65535, got {port}' in message


def test_a_port_that_is_taken_is_said_before_the_model_is_loaded(tool, capsys):
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        port = other.getsockname()[1]
        message = error_of(tool, capsys, 'fbinpaint_demo', '--port', port)
    assert f'cannot listen on --host 127.0.0.1 --port {port}: ' in message


def test_without_gradio_the_command_to_install_it_is_said(tool, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    message = error_of(tool, capsys, 'fbinpaint_demo')
    assert "the page needs gradio: pip install 'fbinpaint_mm[demo]'" in message


def test_arguments_are_checked_before_slow_imports(repository):
    code = (
        'import sys, web_demo\n'
        'try:\n    web_demo.main(["fbinpaint_demo", "--port", "0"])\n'
        'except SystemExit:\n    print(sorted({"torch", "mmagic", "gradio"} & set(sys.modules)))'
    )
    tools = str(repository / 'tools')
    result = subprocess.run(
        [sys.executable, '-c', code], cwd=tools, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == '[]', result.stderr


def test_a_checkpoint_of_another_config_ends_in_a_message(tool, free_port, tmp_path):
    torch.save(dict(state_dict={'generator.x': torch.ones(1)}), tmp_path / 'a.pth')
    argv = ['fbinpaint_demo', str(tmp_path / 'a.pth'), '--port', str(free_port), '--device=cpu']
    with pytest.raises(SystemExit, match=r'^web_demo: checkpoint .* does not belong to this'):
        tool.main(argv)


def test_the_model_is_served_where_the_command_line_says(tool, free_port, monkeypatch):
    served = []
    monkeypatch.setattr('fbinpaint_mm.web.serve.serve', lambda *given: served.append(given))

    tool.main(['fbinpaint_demo', '--host', '127.0.0.1', '--port', str(free_port), '--device=cpu'])

    ((inpainter, *where),) = served
    assert where == ['127.0.0.1', free_port]
    assert inpainter.num_classes == 10
    assert inpainter.device.type == 'cpu'
