from __future__ import annotations

import importlib.util
import socket
from types import SimpleNamespace

import pytest


@pytest.fixture
def tool(load_tool):
    pytest.importorskip('gradio', reason='the page needs the extra [demo]')
    return load_tool('web_demo')


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


@pytest.fixture
def error_of(tool, capsys):
    """Runs the tool; gives the message that it ends with."""

    def run(*argv) -> str:
        with pytest.raises(SystemExit) as stopped:
            tool.main([str(argument) for argument in argv])
        assert stopped.value.code == 2
        return capsys.readouterr().err.strip()

    return run


@pytest.fixture
def _no_model(monkeypatch):
    monkeypatch.setattr('fbinpaint_mm.web.serve.FeedbackInpainter', None)  # its call fails


def test_a_config_that_does_not_exist_is_named_with_similar_ones(error_of, free_port):
    message = error_of('fbinpaint_dem0', '--port', free_port)
    assert message.startswith("web_demo.py: config 'fbinpaint_dem0' is neither a file nor one of")
    assert 'Did you mean: fbinpaint_demo' in message


def test_a_checkpoint_that_does_not_exist_is_named(error_of, free_port, tmp_path):
    message = error_of('fbinpaint_demo', tmp_path / 'no.pth', '--port', free_port)
    assert message == f"web_demo.py: checkpoint '{tmp_path}/no.pth' does not exist."


@pytest.mark.usefixtures('_no_model')
@pytest.mark.parametrize('port', [0, 65536, -1])
def test_a_number_that_is_no_port_is_refused(error_of, port):
    message = error_of('fbinpaint_demo', f'--port={port}')
    assert message == f'web_demo.py: --port must be between 1 and 65535, got {port}'


@pytest.mark.usefixtures('_no_model')
def test_a_port_that_is_taken_is_said_before_the_model_is_loaded(error_of):
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        port = other.getsockname()[1]
        message = error_of('fbinpaint_demo', '--port', port)
    assert message.startswith(f'web_demo.py: cannot listen on --host 127.0.0.1 --port {port}: ')


@pytest.mark.usefixtures('_no_model')
def test_without_gradio_the_command_to_install_it_is_said(error_of, monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    message = error_of('fbinpaint_demo')
    assert message == "web_demo.py: gradio: not installed. Run: pip install 'fbinpaint_mm[demo]'"


def test_the_model_is_served_where_the_command_line_says(
    tool, free_port, monkeypatch, capsys, tmp_path
):
    served, ended = [], []

    def start(inpainter, host, port, examples, allow_host):
        (examples[0].parent / 'upload.png').write_bytes(b'private')
        served.append((inpainter, host, port, allow_host))
        return SimpleNamespace(
            local_url='http://there/', block_thread=lambda: None, close=lambda **_: ended.append(1)
        )

    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path))
    monkeypatch.setattr('fbinpaint_mm.web.serve.start', start)
    where = ['--host', '127.0.0.1', '--port', str(free_port), '--allow-host', 'demo.example']
    tool.main(['fbinpaint_demo', *where, '--device=cpu'])

    ((inpainter, *told),) = served
    assert told == ['127.0.0.1', free_port, ['demo.example']]
    assert inpainter.num_classes == 10
    assert inpainter.device.type == 'cpu'
    assert capsys.readouterr().out == 'The page is at http://there/ - end it with Ctrl+C.\n'
    assert ended
    assert list(tmp_path.iterdir()) == [], 'no file of a visitor is left'
