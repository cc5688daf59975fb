"""Exports a trained model to ONNX or TorchScript, and compares the files with PyTorch.

Usage: python tools/export.py faces|CONFIG [CHECKPOINT] --out DIR [--format onnx] ...
"""

from __future__ import annotations

import argparse

from _arguments import add_cfg_options, add_trust


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(description='Export a model to ONNX or TorchScript')
    parser.add_argument('config', help="config file, or a name such as 'faces'")
    parser.add_argument(
        'checkpoint', nargs='?', help='checkpoint file (default: of the trained model of this name)'
    )
    parser.add_argument('--out', required=True, help='folder to write to')
    parser.add_argument('--format', choices=('onnx', 'torchscript'), default='onnx')
    parser.add_argument(
        '--mode',
        choices=('unrolled', 'per-round'),
        default='unrolled',
        help='all rounds in one file, or a file for round 0 and one for each further round',
    )
    parser.add_argument('--rounds', type=int, help="default: the config's test_cfg.rounds")
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('H', 'W'),
        default=(256, 256),
        help='height and width of the images (default: 256 256)',
    )
    parser.add_argument(
        '--dynamic', action='store_true', help='height and width may change from call to call'
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        default=1e-3,
        help='largest difference from PyTorch, as a share of the range (default: %(default)s)',
    )
    add_cfg_options(parser)
    add_trust(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Exports, or ends with a message and status 2, and then leaves no file behind."""
    args = parse_args(argv)
    # Slow, so the command line is parsed first.
    from fbinpaint_mm.cli.export import export_checkpoint, summarize
    from fbinpaint_mm.user_error import errors_for_users

    with errors_for_users('export.py'):
        files = export_checkpoint(**vars(args))
        print('\n'.join(map(summarize, files)))


if __name__ == '__main__':
    main()
