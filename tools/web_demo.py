"""Opens a page in the browser: paint over what should go, inpaint, edit the map, inpaint again.

Usage: python tools/web_demo.py CONFIG_OR_NAME [CHECKPOINT] [--port 7860] [--host 127.0.0.1] ...
"""

from __future__ import annotations

import argparse
import importlib.util
import socket
import sys

from fbinpaint_mm.cli.launch import check_checkpoint, find_config

INSTALL = "pip install 'fbinpaint_mm[demo]'"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments; the name of a config is replaced by its file. A missing file, a port that is
        taken or a missing gradio ends the process with a message instead of a traceback.
    """
    parser = argparse.ArgumentParser(description='Inpaint in the browser')
    parser.add_argument('config', help="config file, or a name such as 'fbinpaint_demo'")
    parser.add_argument(
        'checkpoint', nargs='?', help='checkpoint file or address (default: random weights)'
    )
    parser.add_argument('--port', type=int, default=7860, help='(default: %(default)s)')
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen on; 0.0.0.0 lets other machines in, whoever they are '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--device', help="such as 'cpu' or 'cuda:1' (default: a GPU if there is one)"
    )
    args = parser.parse_args(argv)
    try:
        if importlib.util.find_spec('gradio') is None:
            raise ModuleNotFoundError(f'the page needs gradio: {INSTALL}')
        args.config = find_config(args.config)
        if args.checkpoint is not None:
            check_checkpoint(args.checkpoint)
        check_port(args.host, args.port)
    except (OSError, ModuleNotFoundError, ValueError) as error:
        parser.error(str(error))
    return args


def check_port(host: str, port: int) -> None:
    """Makes sure that a server can be started, before the model is loaded.

    Args:
        host: Address to listen on.
        port: Port.

    Raises:
        ValueError: If it is no port.
        OSError: If the port is taken, or the address is not one of this machine.
    """
    if not 0 < port < 65536:
        raise ValueError(f'--port must be between 1 and 65535, got {port}')
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise OSError(f'cannot listen on --host {host} --port {port}: {error}') from error


def main(argv: list[str] | None = None) -> None:
    """Serves what the command line says.

    Args:
        argv: The arguments; those of the process by default.
    """
    args = parse_args(argv)
    # Slow, so the command line is checked first.
    from fbinpaint_mm.apis import FeedbackInpainter
    from fbinpaint_mm.web.serve import serve

    try:
        inpainter = FeedbackInpainter(args.config, args.checkpoint, args.device)
    except (AssertionError, OSError, RuntimeError, ValueError) as error:  # also torch's of a device
        sys.exit(f'web_demo: {error}')
    serve(inpainter, args.host, args.port)


if __name__ == '__main__':
    main()
