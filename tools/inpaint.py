"""Inpaints pictures: files, folders or globs, with masks from several sources.

Usage: python tools/inpaint.py NAME [CHECKPOINT.pth] INPUT ... --mask FILE_OR_FOLDER --out DIR ...
       python tools/inpaint.py CONFIG CHECKPOINT INPUT ... --mask FILE_OR_FOLDER --out DIR ...

Example:
    python tools/inpaint.py faces photos --generate-mask irregular --area 0.1 0.3 \
        --out work_dirs/inpainted --side-by-side
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
import warnings
from pathlib import Path

from _arguments import add_cfg_options, add_trust, number

KINDS = ('irregular', 'box', 'mixed')
FORMATS = ('lossless', 'keep', 'png', 'jpg', 'webp')


def color(text: str) -> tuple[int, ...]:
    """Red, green and blue from hexadecimal digits, such as ``#ff00ff``."""
    if not re.fullmatch('#?[0-9a-fA-F]{6}', text):
        raise argparse.ArgumentTypeError(f"{text!r} is no color; expected one like '#ff00ff'")
    return tuple(bytes.fromhex(text.removeprefix('#')))


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog='inpaint.py',
        description='Inpaint pictures. A second call with the same arguments goes on where the '
        'first one was interrupted: results of these settings that are newer than image, mask and '
        'checkpoint are left. Exit status: 1 if a picture failed, 2 if nothing was started.',
    )
    add = parser.add_argument
    add('config', metavar='NAME|CONFIG', help='trained model of this package, or a config')
    add(
        'inputs',
        nargs='+',
        metavar='INPUT',
        help='image file, folder, or glob in quotes; after CONFIG, a checkpoint file or address '
        'comes first, after NAME a file of your own may (.pth)',
    )
    add('--out', type=Path, required=True, help='folder to write to')
    add('--recursive', action='store_true', help='also the subfolders of folders')
    add_mask_arguments(parser)
    add_result_arguments(parser)
    add_model_arguments(parser)
    add(
        '--verbose',
        action='store_true',
        help='show what the libraries log, and where errors are from',
    )
    return parser


def add_mask_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds where the holes come from: one of four ways, and its settings."""
    ways = parser.add_mutually_exclusive_group(required=True)
    ways.add_argument(
        '--mask',
        type=Path,
        metavar='PATH',
        help='a mask for all images, or a folder of masks with the subfolders and names of the '
        'images, also with _mask behind; white is the hole',
    )
    ways.add_argument(
        '--mask-from-alpha',
        action='store_true',
        help='what is not opaque is the hole; results have no alpha channel',
    )
    ways.add_argument(
        '--mask-color', type=color, metavar='COLOR', help="the hole has this color: '#ff00ff'"
    )
    ways.add_argument(
        '--generate-mask',
        choices=KINDS,
        help='draw holes that depend on --seed, the name and the size of the image only',
    )
    add = parser.add_argument
    add(
        '--mask-tolerance',
        type=number(int, 0),
        metavar='N',
        help='largest difference from --mask-color in red, green and blue, of 255 (default: 0)',
    )
    add('--seed', type=number(int, 0), metavar='N', help='of the generated holes (default: 0)')
    add(
        '--area',
        type=number(float, 0, 1),
        nargs=2,
        metavar=('LOW', 'HIGH'),
        help='share of the image that generated holes have (default: 0.1 0.4)',
    )
    add(
        '--mask-dilate',
        type=number(int, 0),
        default=0,
        metavar='PIXELS',
        help='enlarge all holes (default: %(default)s)',
    )
    add('--skip-missing', action='store_true', help='leave out images without a mask')


def add_result_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what is written, and how."""
    add = parser.add_argument
    add(
        '--format',
        choices=FORMATS,
        default='lossless',
        help='of the results (default: %(default)s: webp of webp, png of all others; keep: that of '
        'the image, and png for what cannot be written)',
    )
    add(
        '--quality',
        type=number(int, 1, 100),
        metavar='1..100',
        help='of JPEG and WebP (default: 95; WebP is lossless)',
    )
    add('--save-maps', action='store_true', help='write the semantic maps as indexed PNGs')
    add('--save-rounds', action='store_true', help='write the image of every round')
    add('--side-by-side', action='store_true', help='write what every round did in one picture')
    add('--overwrite', action='store_true', help='make again also what is finished')


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds how the model is run."""
    add = parser.add_argument
    add(
        '--rounds',
        type=number(int, 0),
        metavar='R',
        help='feedback rounds (default: of the config)',
    )
    add(
        '--max-side',
        type=number(int, 1),
        metavar='PIXELS',
        help='longest side of what the model sees at once; a larger picture is seen in parts '
        '(default: twice the size that the config tests with)',
    )
    add('--device', help='such as cpu or cuda:1 (default: a GPU if there is one)')
    add_trust(parser)
    add_cfg_options(parser)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments; those that contradict each other end the process with a message.
    """
    parser = build_parser()
    args = parser.parse_intermixed_args(argv)
    for name, way, default in (
        ('mask_tolerance', 'mask_color', 0),
        ('seed', 'generate_mask', 0),
        ('area', 'generate_mask', [0.1, 0.4]),
    ):
        if getattr(args, name) is None:
            setattr(args, name, default)
        elif not getattr(args, way):
            option, owner = (text.replace('_', '-') for text in (name, way))
            parser.error(f'--{option} has an effect only with --{owner}')
    if not 0 < args.area[0] < args.area[1]:
        parser.error(f'--area {args.area[0]} {args.area[1]}: expected 0 < LOW < HIGH <= 1')
    if args.quality is not None and args.format in ('lossless', 'png'):
        parser.error(f'--format {args.format} has no --quality; choose keep, jpg or webp')
    return args


def main(argv: list[str] | None = None) -> int:
    """Inpaints what the command line asks for.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        Exit status, see ``inpaint_files``.
    """
    args = parse_args(argv)
    with warnings.catch_warnings():
        if not args.verbose:  # what the libraries log stays off the screen
            warnings.simplefilter('ignore')
            logging.disable(logging.WARNING)
        try:
            from fbinpaint_mm.cli.inpaint import inpaint_files

            return inpaint_files(args)
        finally:
            logging.disable(logging.NOTSET)


if __name__ == '__main__':
    sys.exit(main())
