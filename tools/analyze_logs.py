"""Draws curves of trainings, and says how long their iterations took.

Every LOG is a work directory (its newest run, joined with those it was resumed from), the folder of
one run, or a scalars.json.

Examples:
    python tools/analyze_logs.py plot_curve work_dirs/fbinpaint_demo --keys PSNR loss \
        --out curves.png
    python tools/analyze_logs.py rounds work_dirs/fbinpaint_demo --keys PSNR mIoU_hole \
        --out rounds.png --csv rounds.csv
    python tools/analyze_logs.py cal_train_time work_dirs/*
"""

from __future__ import annotations

import argparse
from pathlib import Path

SUFFIXES = ('.png', '.jpg', '.pdf', '.svg')


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    tasks = parser.add_subparsers(dest='task', required=True)
    curves = tasks.add_parser('plot_curve', help='scalars over iterations, one line for each log')
    curves.add_argument('logs', nargs='+', type=Path, metavar='LOG')
    curves.add_argument('--keys', nargs='+', required=True, help='such as PSNR round1/PSNR loss')
    curves.add_argument('--legend', nargs='+', help='names of the logs (default: of the folders)')
    rounds = tasks.add_parser('rounds', help='a score over iterations, one line for each round')
    rounds.add_argument('log', type=Path, metavar='LOG')
    rounds.add_argument(
        '--keys', nargs='+', default=['PSNR'], help='scores without the round (default: PSNR)'
    )
    for one in (curves, rounds):
        one.add_argument('--out', type=Path, help=f'plot to write ({", ".join(SUFFIXES)})')
        one.add_argument('--csv', type=Path, help='table of all points to write')
        one.add_argument('--title', default='', help='line at the top of the plot')
    times = tasks.add_parser('cal_train_time', help='duration of the training iterations')
    times.add_argument('logs', nargs='+', type=Path, metavar='LOG')
    return parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line; what is wrong with it ends the process with a message."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.task == 'cal_train_time':
        return args
    if args.out is None and args.csv is None:
        parser.error('nothing to write: give --out for a plot, --csv for a table, or both')
    if args.out is not None and args.out.suffix.lower() not in SUFFIXES:
        parser.error(f"--out '{args.out}' should end with one of {', '.join(SUFFIXES)}")
    legend = getattr(args, 'legend', None)
    if legend and len(legend) != len(args.logs):
        parser.error(f'--legend has {len(legend)} names for {len(args.logs)} logs')
    return args


def main(argv: list[str] | None = None) -> None:
    """Does what the command line says."""
    args = parse_args(argv)
    # Not before the command line is known to be right: the import takes long.
    from fbinpaint_mm.cli import analyze_logs
    from fbinpaint_mm.user_error import errors_for_users

    with errors_for_users('analyze_logs.py'):
        if args.task == 'cal_train_time':
            for path in args.logs:
                print(analyze_logs.describe_times(path))
        elif args.task == 'plot_curve':
            table = analyze_logs.curves_of(args.logs, args.keys, args.legend)
            analyze_logs.write(table, args.out, args.csv, args.title)
        else:
            table = analyze_logs.rounds_of(args.log, args.keys)
            analyze_logs.write(table, args.out, args.csv, args.title)


if __name__ == '__main__':
    main()
