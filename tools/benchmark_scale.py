"""Measures how time and memory grow with rounds, side, batch and classes.

Usage: python tools/benchmark_scale.py CONFIG [--axes NAME ...] [--out DIR]
       python tools/benchmark_scale.py CONFIG --loader N

One axis at a time, around 2 rounds, 256 px, batch 1 and 19 classes; every point in a process of
its own. With --loader, the training data linked until they are N images: start-up,
memory and samples per second of the data loader, and what a training step consumes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from _arguments import add_cfg_options, add_trust, number

AXES = ('rounds', 'side', 'batch', 'classes')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, every number in range.
    """
    parser = argparse.ArgumentParser(description='Measure how time and memory grow')
    add = parser.add_argument
    add('config', help='config of a FeedbackRecorrectionInpaintor with a segmentor')
    add('--axes', nargs='+', choices=AXES, default=AXES, help='default: all')
    add('--loader', type=number(int, 1), metavar='N', help='measure data loading, of N images')
    add('--workers', type=number(int, 0), nargs='+', default=[0, 1, 2], help='of the loader')
    add('--device', choices=('cpu', 'cuda'), default='cpu', help='default: %(default)s')
    add(
        '--limit',
        type=number(float, 0.1),
        default=4.0,
        help='seconds to repeat each measurement for (default: %(default)s)',
    )
    add(
        '--out',
        type=Path,
        default=Path('work_dirs/scale'),
        help='folder of table, picture and log (default: %(default)s)',
    )
    add_trust(parser)
    add_cfg_options(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Measures what the command line says.

    Args:
        argv: The arguments; those of the process by default.
    """
    args = parse_args(argv)
    from fbinpaint_mm.safe_loading import loading
    from fbinpaint_mm.user_error import errors_for_users

    with errors_for_users('benchmark_scale.py'), loading(args.trust_checkpoint):
        if args.loader:
            from fbinpaint_mm.benchmark.speed.loading_speed import run_loading

            run_loading(args)
        else:
            from fbinpaint_mm.benchmark.speed.scale import run_scale

            run_scale(args)


if __name__ == '__main__':
    main()
