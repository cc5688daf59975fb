"""Measures what passes between the command and the first result, stage by stage.

Usage: python tools/benchmark_startup.py CONFIG [CHECKPOINT] [--size PIXELS] [--repeats N]

Each repeat is two new processes. One only imports torch, which every user waits for; the stages of
the other are given as multiples of that.
"""

from __future__ import annotations

import argparse

from _arguments import add_trust

SMALLEST_SIZE = 8  # pixels; the hole is the middle half of the image and must not be empty


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, every number in range; ``error`` ends the process with a message.
    """
    parser = argparse.ArgumentParser(description='Measure the time to the first result')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='default: random weights, at the same cost')
    parser.add_argument('--size', type=int, default=256, help='of the image (default: %(default)s)')
    parser.add_argument('--repeats', type=int, default=5, help='processes (default: %(default)s)')
    add_trust(parser)
    args = parser.parse_args(argv)
    if args.size < SMALLEST_SIZE:
        parser.error(f'--size must be at least {SMALLEST_SIZE} pixels, got {args.size}')
    if args.repeats < 1:
        parser.error(f'--repeats must be at least 1, got {args.repeats}')
    return args


def main(argv: list[str] | None = None) -> None:
    """Measures what the command line says.

    Args:
        argv: The arguments; those of the process by default.
    """
    args = parse_args(argv)
    from fbinpaint_mm.benchmark.speed.startup import measure_startup
    from fbinpaint_mm.safe_loading import loading
    from fbinpaint_mm.user_error import errors_for_users

    with errors_for_users('benchmark_startup.py'), loading(args.trust_checkpoint):
        table = measure_startup(args.config, args.checkpoint, args.size, args.repeats)
    print(f'Medians of {args.repeats} processes, {args.size} x {args.size} pixels, CPU.\n')
    print(table)


if __name__ == '__main__':
    main()
