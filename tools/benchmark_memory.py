"""Measures peak memory and time of a training iteration, with and without each switch.

Usage: python tools/benchmark_memory.py CONFIG [--rounds 0 1 2 3] [--switches NAME ...] ...

Every combination of switch and number of rounds runs in a process of its own. OUT/memory_DEVICE.md
has a table for each number of rounds, OUT/memory_DEVICE.json the numbers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _arguments import add_cfg_options, add_trust


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, every number in range.
    """
    parser = argparse.ArgumentParser(description='Measure memory and time of training')
    add = parser.add_argument
    add('config', help='config file of a FeedbackRecorrectionInpaintor')
    add('--rounds', type=int, nargs='+', default=[0, 1, 2, 3], help='values of R (default: 0 to 3)')
    add(
        '--switches',
        nargs='+',
        metavar='NAME',
        help='of checkpoint_rounds, only_last_learns, channels_last, bfloat16, or several joined '
        'by +; plain is always measured (default: each, and all but only_last_learns together)',
    )
    add('--devices', nargs='+', help='such as cpu cuda (default: cpu, and cuda if there is one)')
    add(
        '--limit',
        type=float,
        default=10.0,
        help='seconds to repeat the iterations of a combination for (default: %(default)s)',
    )
    add(
        '--out',
        type=Path,
        default=Path('work_dirs/memory'),
        help='folder of the report (default: %(default)s)',
    )
    add_trust(parser)
    add_cfg_options(
        parser,
        'settings that replace those of the config, e.g. train_dataloader.batch_size=2',
    )
    args = parser.parse_args(argv)
    if min(args.rounds) < 0 or args.limit <= 0:
        parser.error('--rounds must not be negative, --limit must be positive')
    return args


def main(argv: list[str] | None = None) -> int:
    """Measures what the command line says.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        Exit status: 1 if anything failed.
    """
    args = parse_args(argv)
    from fbinpaint_mm.benchmark.speed.sweeps import run_switch_sweeps
    from fbinpaint_mm.safe_loading import loading
    from fbinpaint_mm.user_error import errors_for_users

    with errors_for_users('benchmark_memory.py'), loading(args.trust_checkpoint):
        return int(run_switch_sweeps(args) > 0)


if __name__ == '__main__':
    sys.exit(main())
