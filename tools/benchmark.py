"""Compares models on the same images and holes: scores, speed, pictures, tables.

Usage: python tools/benchmark.py ENTRY [ENTRY ...] --out DIR [--train ITERATIONS] ...

Example:
    python tools/benchmark.py ours=configs/fbinpaint_demo.py:work_dirs/fbinpaint_demo/iter_400.pth \
        telea mean_color --out work_dirs/benchmark_demo

Arguments can stand in a file: python tools/benchmark.py @configs/comparisons/faces.txt --out DIR
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from _arguments import add_cfg_options, add_trust, number

EQUAL = ('iterations', 'seconds', 'flops')
INTERRUPTED = 130  # as a shell reports it


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Compare models on the same images and holes. A second call with the same '
        'arguments goes on where the first one was interrupted. @FILE stands for the arguments in '
        'a text file, such as those in configs/comparisons: paths in it begin in the working '
        'directory, # begins a comment. Options after @FILE replace those in it, but --cfg-options '
        'add to them; further entries go before @FILE.'
    )
    add = parser.add_argument
    add(
        'entries',
        nargs='+',
        metavar='ENTRY',
        help='[NAME=]CONFIG[:CHECKPOINT], a trained model such as faces, or telea, navier_stokes '
        'or mean_color, or [NAME=]FILE.onnx, a file of export.py or the pipeline of MI-GAN, or '
        '[NAME=]FOLDER/ with the results of another method: a PNG for each image, called as '
        'export_holes.py does',
    )
    add('--only', nargs='+', metavar='NAME', help='leave out all entries but these')
    add('--out', type=Path, required=True, help='folder to write to')
    add('--reference', metavar='NAME', help='what others are compared with (default: the first)')
    add(
        '--data',
        metavar='CONFIG',
        help='config with the images, holes and metrics (default: the first entry that has one)',
    )
    add('--split', choices=('val', 'test'), default='test', help='default: %(default)s')
    add(
        '--batch-size',
        type=number(int, 1),
        metavar='N',
        help="images per batch (default: the config's)",
    )
    add('--max-images', type=number(int, 1), metavar='N', help='score only the first N images')
    for name, const in (('LPIPS', os.environ.get('FBINPAINT_WEIGHTS')), ('FID', None)):
        add(
            f'--{name.lower()}',
            nargs='?',
            const=const or 'download',
            metavar='WEIGHTS',
            help=f'also measure {name}; file or folder with its weights (default: %(const)s)',
        )
    add_training_arguments(parser)
    add('--device', choices=('cpu', 'cuda'), help='default: a GPU if there is one')
    add('--no-speed', dest='speed', action='store_false', help='do not measure speed')
    add_report_arguments(parser)
    add(
        '--sizes',
        type=number(int, 1),
        nargs='+',
        metavar='PIXELS',
        help='score nothing: only measure the speed of inference on square images of these sizes; '
        'needs neither data nor checkpoints',
    )
    add(
        '--with-training',
        dest='training',
        action='store_true',
        help='with --sizes: also measure a training iteration, on training data of the size',
    )
    add(
        '--rounds',
        type=number(int, 0),
        metavar='R',
        help="rounds of the models that have them (default: the config's test_cfg.rounds)",
    )
    add_trust(parser)
    add_cfg_options(
        parser,
        'settings that replace those of every config',
    )
    return parser


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what says how entries without a checkpoint are trained."""
    add = parser.add_argument
    add(
        '--train',
        dest='iterations',
        type=number(int, 1),
        metavar='ITERATIONS',
        help='train the entries without a checkpoint; the reference gets so many iterations',
    )
    add(
        '--equal',
        choices=EQUAL,
        help='what all trainings spend the same of (default: iterations); seconds are CPU time of '
        'the training process on a CPU, elapsed time on a GPU, as measured beforehand',
    )
    add(
        '--seeds',
        type=number(int, 0),
        nargs='+',
        metavar='SEED',
        help='one training for each (default: 0)',
    )


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what says how the results are shown."""
    add = parser.add_argument
    add(
        '--columns',
        nargs='+',
        metavar='NAME',
        help='columns of the main table, in this order: scores such as PSNR, seeds, iterations, '
        'images, labeled (of the training), parameters, or "images/s" (default: of the training, '
        'and all scores)',
    )
    add('--latex', action='store_true', help='write the main table also as results.tex (booktabs)')
    add('--figures', choices=('pdf', 'svg'), help='write the plots in this format, too')


def read_files(argv: list[str]) -> list[str]:
    """Puts the arguments in a file where ``@FILE`` stands.

    Args:
        argv: The arguments.

    Returns:
        All of them.

    Raises:
        OSError: A file cannot be read.
        ValueError: It has a quotation mark without another.
    """
    arguments = []
    for text in argv:
        if not text.startswith('@'):
            arguments.append(text)
            continue
        try:
            arguments += shlex.split(Path(text[1:]).read_text(encoding='utf-8'), comments=True)
        except ValueError as error:
            raise ValueError(f'{text}: {error}') from error
    return arguments


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, and as ``argv`` all of them as they were written, in files too; those that
        contradict each other end the process with a message.
    """
    parser = build_parser()
    try:
        argv = read_files(sys.argv[1:] if argv is None else argv)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    args = parser.parse_args(argv)
    args.argv = argv
    if args.iterations is None and (args.equal or args.seeds):
        parser.error('--equal and --seeds are about training: give --train ITERATIONS as well')
    if args.training and not args.sizes:
        parser.error('--with-training measures an iteration at each of --sizes: give them as well')
    if args.sizes and (args.iterations or not args.speed):
        parser.error('--sizes only measures the speed: leave out --train, --no-speed')
    if args.sizes and (args.columns or args.latex or args.figures):
        parser.error('--sizes scores nothing: leave out --columns, --latex, --figures')
    if not args.speed and args.equal in ('seconds', 'flops'):
        parser.error(f'--equal {args.equal} needs measured speed: leave out --no-speed')
    if args.seeds and len(set(args.seeds)) < len(args.seeds):
        parser.error('--seeds has a seed twice')
    return args


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark that the command line asks for.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        Exit status: 1 if an entry failed, 130 after an interruption by the user.
    """
    args = parse_args(argv)
    from fbinpaint_mm.benchmark.command import run_command
    from fbinpaint_mm.safe_loading import loading
    from fbinpaint_mm.user_error import errors_for_users

    try:
        with errors_for_users('benchmark.py'), loading(args.trust_checkpoint):
            return int(run_command(args) > 0)
    except KeyboardInterrupt:
        print('interrupted; the same command goes on from here', file=sys.stderr)
    return INTERRUPTED


if __name__ == '__main__':
    sys.exit(main())
