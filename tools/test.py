"""Tests a checkpoint and reports its scores.

Usage: python tools/test.py CONFIG CHECKPOINT [--work-dir DIR] [--out SCORES.json] ...
       python tools/test.py faces ...      (or streets: trained models of the package)
"""

from __future__ import annotations

import argparse
from pathlib import Path

from _arguments import add_cfg_options, add_launcher, add_trust, checked_launcher

SUFFIXES = ('.json', '.yaml', '.yml', '.pkl')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments of `fbinpaint_mm.cli.running.run_test`.
    """
    parser = argparse.ArgumentParser(description='Test a checkpoint')
    add = parser.add_argument
    add('config', help='config file, or name of a config or trained model of this package')
    add('checkpoint', nargs='?', help='checkpoint file or address (default: of the trained model)')
    add('--out', help=f'file to write the scores to ({", ".join(SUFFIXES)})')
    add(
        '--work-dir',
        help='folder for logs and pictures (default: ./work_dirs/<name of the config>)',
    )
    add_cfg_options(
        parser,
        'settings that replace those of the config, e.g. model.test_cfg.rounds=3. A list is '
        'written key="[a,b]" or key=a,b.',
    )
    add_launcher(parser)
    add_trust(parser)
    args = parser.parse_args(argv)
    if args.out is not None and Path(args.out).suffix not in SUFFIXES:
        parser.error(f'--out {args.out!r} should end with one of {", ".join(SUFFIXES)}')
    return checked_launcher(parser, args)


def main() -> None:
    """Tests what the command line says."""
    args = parse_args()
    from fbinpaint_mm.cli.running import run_test  # slow: after the command line is checked

    run_test(**vars(args))


if __name__ == '__main__':
    main()
