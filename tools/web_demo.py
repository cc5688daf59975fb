"""Opens a page in the browser: paint over what should go, inpaint, edit the map, inpaint again.

Usage: python tools/web_demo.py faces|CONFIG [CHECKPOINT] [--port 7860] [--host 127.0.0.1] ...
"""

from __future__ import annotations

import argparse

from _arguments import add_trust


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(description='Inpaint in the browser')
    parser.add_argument('config', help="config file, or a name such as 'faces'")
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='checkpoint file or address (default: of the trained model of this name, else random '
        'weights)',
    )
    parser.add_argument('--port', type=int, default=7860, help='(default: %(default)s)')
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen on; 0.0.0.0 lets other machines in, whoever they are '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--allow-host',
        action='append',
        default=[],
        metavar='NAME',
        help='name by which visitors reach the page, such as that of a reverse proxy; can be given '
        'several times (default: --host and localhost, with 0.0.0.0 every address of this machine)',
    )
    parser.add_argument(
        '--device', help="such as 'cpu' or 'cuda:1' (default: a GPU if there is one)"
    )
    add_trust(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Serves what the command line says, or ends with a message and status 2."""
    args = parse_args(argv)
    # Slow, so the command line is parsed first.
    from fbinpaint_mm.user_error import errors_for_users
    from fbinpaint_mm.web.serve import serve

    with errors_for_users('web_demo.py'):
        serve(**vars(args))


if __name__ == '__main__':
    main()
