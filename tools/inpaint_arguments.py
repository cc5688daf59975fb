"""The command line of inpaint.py, and what can be said about it without importing the package."""

from __future__ import annotations

import argparse
import contextlib
import glob
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import DictAction

from fbinpaint_mm.cli.launch import check_checkpoint, find_config, natural, positive

KINDS = ('irregular', 'box', 'mixed')
FORMATS = ('keep', 'png', 'jpg', 'webp')


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog='inpaint.py',
        description='Inpaint pictures. A second call with the same arguments goes on where the '
        'first one was interrupted. Exit status: 1 if a picture failed, 2 if nothing was started.',
    )
    add = parser.add_argument
    add('config', help='config file, or the name of one of the configs of this package')
    add('checkpoint', help='checkpoint file or address')
    add('inputs', nargs='*', metavar='INPUT', help='image file, folder, or glob in quotes')
    add('--out', type=Path, required=True, help='folder to write to')
    add('--recursive', action='store_true', help='also the subfolders of folders')
    add_mask_arguments(parser)
    add_result_arguments(parser)
    add('--rounds', type=natural, metavar='R', help="feedback rounds (default: the config's)")
    add(
        '--tolerance',
        type=share,
        metavar='SHARE',
        help="stop before a round that would change less than this share of the hole's map",
    )
    add(
        '--max-side',
        type=positive,
        metavar='PIXELS',
        help='longest side of what the model sees at once; a larger picture is seen in parts '
        '(default: twice the size that the config tests with)',
    )
    add('--device', help='such as cpu or cuda:1 (default: a GPU if there is one)')
    add(
        '--overwrite',
        action='store_true',
        help='make again what is finished; replace files that are not from here',
    )
    add(
        '--verbose',
        action='store_true',
        help='show what the libraries log, and where errors are from',
    )
    add(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='settings that replace those of the config',
    )
    return parser


def add_mask_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds where the holes come from: one of five ways, and its settings."""
    ways = parser.add_mutually_exclusive_group(required=True)
    ways.add_argument(
        '--mask',
        type=Path,
        metavar='PATH',
        help='a mask for all images, or a folder of masks with the names of the images, also with '
        '_mask behind; white is the hole',
    )
    ways.add_argument(
        '--mask-from-alpha',
        action='store_true',
        help='what is not opaque is the hole; results have no alpha channel',
    )
    ways.add_argument(
        '--mask-color', type=color, metavar='COLOR', help="the hole has this colour: '#ff00ff'"
    )
    ways.add_argument(
        '--generate-mask',
        choices=KINDS,
        help='draw holes that depend on --seed, the name and the size of the image only',
    )
    ways.add_argument(
        '--pairs',
        type=Path,
        metavar='LIST',
        help="text file with lines 'image,mask' in place of INPUT; relative to its own folder",
    )
    add = parser.add_argument
    add(
        '--mask-tolerance',
        type=natural,
        metavar='N',
        help='largest difference from --mask-color in red, green and blue, of 255 (default: 0)',
    )
    add('--seed', type=natural, metavar='N', help='of the generated holes (default: 0)')
    add(
        '--area',
        type=share,
        nargs=2,
        metavar=('LOW', 'HIGH'),
        help='share of the image that generated holes have (default: 0.1 0.4)',
    )
    add(
        '--mask-dilate',
        type=natural,
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
        default='keep',
        help='of the results (default: %(default)s, and png for what cannot be written)',
    )
    add(
        '--quality',
        type=quality,
        metavar='1..100',
        help='of JPEG and WebP (default: as the JPEG it is from, or 95; WebP is lossless)',
    )
    add('--save-maps', action='store_true', help='write the semantic maps as indexed PNGs')
    add('--save-rounds', action='store_true', help='write the image of every round')
    add('--side-by-side', action='store_true', help='write what every round did in one picture')


def quality(text: str) -> int:
    """A whole number from 1 to 100."""
    number = int(text)
    if not 1 <= number <= 100:
        raise argparse.ArgumentTypeError(f'{number} is not in 1..100')
    return number


def share(text: str) -> float:
    """A number from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f'{text} is not in 0..1')
    return number


def color(text: str) -> tuple[int, int, int]:
    """Red, green and blue from hexadecimal digits, such as ``#ff00ff``."""
    if not re.fullmatch('#?[0-9a-fA-F]{6}', text):
        raise argparse.ArgumentTypeError(f"{text!r} is no colour; expected one like '#ff00ff'")
    digits = text.removeprefix('#')
    return tuple(int(digits[start : start + 2], 16) for start in (0, 2, 4))


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments; those that contradict each other end the process with a message.
    """
    parser = build_parser()
    args = parser.parse_intermixed_args(argv)
    check_settings_of_masks(parser, args)
    if bool(args.inputs) == bool(args.pairs):
        parser.error('give INPUT, or --pairs LIST in its place')
    if args.quality is not None and args.format == 'png':
        parser.error('--quality is of JPEG and WebP; --format png is always lossless')
    return args


def check_settings_of_masks(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuses settings of another way to get masks, then fills in what was not given."""
    for name, way, default in (
        ('mask_tolerance', 'mask_color', 0),
        ('seed', 'generate_mask', 0),
        ('area', 'generate_mask', [0.1, 0.4]),
    ):
        given = getattr(args, name) is not None
        if given and not getattr(args, way):
            option, owner = (text.replace('_', '-') for text in (name, way))
            parser.error(f'--{option} has an effect only with --{owner}')
        if not given:
            setattr(args, name, default)
    if not 0 < args.area[0] < args.area[1]:
        parser.error(f'--area {args.area[0]} {args.area[1]}: expected 0 < LOW < HIGH <= 1')


def check_arguments(args: argparse.Namespace) -> None:
    """Makes sure that all the command line names exists.

    Args:
        args: From `parse_args`; the name of a config is replaced by its file.

    Raises:
        FileNotFoundError: Something does not, with its name.
        NotADirectoryError: ``--out`` is a file.
    """
    args.config = find_config(args.config)
    check_checkpoint(args.checkpoint)
    for path in filter(None, (args.mask, args.pairs)):
        if not path.exists():
            raise FileNotFoundError(f'{str(path)!r} does not exist')
    for text in args.inputs:
        if not Path(text).exists() and not glob.glob(text, recursive=True):
            raise FileNotFoundError(f'{text!r} does not exist, nor does it match anything')
    if args.out.exists() and not args.out.is_dir():
        raise NotADirectoryError(f'--out {str(args.out)!r} is a file; expected a folder')


@contextlib.contextmanager
def quiet(is_quiet: bool) -> Iterator[None]:
    """Keeps the warnings and logs of the libraries off the screen."""
    if not is_quiet:
        yield
        return
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            yield
        finally:
            logging.disable(before)
