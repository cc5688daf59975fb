"""Compares models on the same images and holes: scores, speed, pictures, tables.

Usage: python tools/benchmark.py ENTRY [ENTRY ...] --out DIR [--train ITERATIONS] ...

Example:
    python tools/benchmark.py ours=configs/fbinpaint_demo.py:work_dirs/fbinpaint_demo/iter_400.pth \
        telea mean_colour --out work_dirs/benchmark_demo

Arguments can stand in a file: python tools/benchmark.py @configs/comparisons/faces.txt --out DIR
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import Config, DictAction

from fbinpaint_mm.cli.launch import (
    check_checkpoint,
    check_config_file,
    load_config,
    natural,
    positive,
)

if TYPE_CHECKING:
    from fbinpaint_mm.benchmark.entry import Entry
    from fbinpaint_mm.benchmark.settings import Settings

TRAIN_TOOL = Path(__file__).resolve().with_name('train.py')
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
        help='[NAME=]CONFIG[:CHECKPOINT], or telea, navier_stokes or mean_colour',
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
    add('--batch-size', type=positive, metavar='N', help="images per batch (default: the config's)")
    add('--max-images', type=positive, metavar='N', help='score only the first N images')
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
    add('--no-speed', action='store_true', help='do not measure speed')
    add(
        '--sizes',
        type=positive,
        nargs='+',
        metavar='PIXELS',
        help='score nothing: only measure the speed of inference on square images of these sizes; '
        'needs neither data nor checkpoints',
    )
    add(
        '--rounds',
        type=natural,
        metavar='R',
        help="rounds of the models that have them (default: the config's test_cfg.rounds)",
    )
    add(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='settings that replace those of every config',
    )
    return parser


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what says how entries without a checkpoint are trained."""
    add = parser.add_argument
    add(
        '--train',
        type=positive,
        metavar='ITERATIONS',
        help='train the entries without a checkpoint; the reference gets so many iterations',
    )
    add('--equal', choices=EQUAL, help='what all trainings spend the same of (default: iterations)')
    add(
        '--seeds',
        type=natural,
        nargs='+',
        metavar='SEED',
        help='one training for each (default: 0)',
    )


def read_files(argv: list[str]) -> list[str]:
    """Puts the arguments in a file into the place of ``@FILE``.

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
    args.error, args.argv = parser.error, argv
    if args.train is None and (args.equal or args.seeds):
        parser.error('--equal and --seeds are about training: give --train ITERATIONS as well')
    if args.sizes and (args.train or args.no_speed):
        parser.error('--sizes only measures the speed of inference: leave out --train, --no-speed')
    if args.no_speed and args.equal in ('seconds', 'flops'):
        parser.error(f'--equal {args.equal} needs measured speed: leave out --no-speed')
    if args.seeds and len(set(args.seeds)) < len(args.seeds):
        parser.error('--seeds has a seed twice')
    return args


def read_entries(args: argparse.Namespace) -> list[Entry]:
    """Reads the entries with their configs.

    Args:
        args: From `parse_args`.

    Returns:
        Those that are not left out, every file they name found.

    Raises:
        ValueError: An entry is malformed, is wanted but not there, or lacks a checkpoint although
            nothing is trained.
        FileNotFoundError: A config or a checkpoint is missing.
    """
    from fbinpaint_mm.benchmark.entry import check_trainings, parse_entries
    from fbinpaint_mm.models.classical_inpaintor import CLASSICAL_METHODS

    entries = choose(parse_entries(args.entries), args.only)
    for entry in entries:
        if not entry.is_classical:
            check_config_file(entry.source, CLASSICAL_METHODS)
        if entry.checkpoint is not None:
            check_checkpoint(entry.checkpoint)
    if args.train is not None and not any(entry.is_trained for entry in entries):
        raise ValueError('--train: every entry has its checkpoint, or does not learn')
    entries = [replace(entry, cfg=read_config(args, entry)) for entry in entries]
    if not args.sizes:
        check_trainings(entries, trains=args.train is not None)
    return entries


def choose(entries: list[Entry], names: list[str] | None) -> list[Entry]:
    """The entries that ``--only`` names.

    Args:
        entries: All of them, with different names.
        names: Those to keep; ``None`` keeps all.

    Returns:
        Those that are kept, in the order of ``entries``.

    Raises:
        ValueError: A name is no entry's.
    """
    if names is None:
        return entries
    there = [entry.name for entry in entries]
    for name in names:
        if name not in there:
            raise ValueError(f'--only {name!r} is not an entry; there are {", ".join(there)}')
    return [entry for entry in entries if entry.name in names]


def read_config(args: argparse.Namespace, entry: Entry) -> Config:
    """The config of an entry, changed as the command line says."""
    if entry.is_classical:
        return Config(dict(model=dict(type='ClassicalInpaintor', method=entry.source)))
    return load(args, entry.source)


def load(args: argparse.Namespace, config: str) -> Config:
    """A config file, changed as the command line says."""
    given = dict(config=config, cfg_options=args.cfg_options, launcher='none', work_dir=None)
    cfg = load_config(argparse.Namespace(**given))
    if args.rounds is not None and 'rounds' in (cfg.model.get('test_cfg') or {}):
        cfg.model.test_cfg.rounds = args.rounds
    return cfg


def find_data(args: argparse.Namespace, entries: list[Entry]) -> tuple[str, Config]:
    """The config with the images and holes.

    Args:
        args: From `parse_args`.
        entries: From `read_entries`.

    Returns:
        Its path, and the config.

    Raises:
        ValueError: There is none.
        FileNotFoundError: The one that is named is missing.
    """
    if args.data is not None:
        check_config_file(args.data)
        return args.data, load(args, args.data)
    for entry in entries:
        if not entry.is_classical:
            return entry.source, entry.cfg
    raise ValueError('no entry has a config that says which images to use: give --data CONFIG')


def build_settings(args: argparse.Namespace, entries: list[Entry]) -> Settings:
    """Everything that is not about one entry.

    Args:
        args: From `parse_args`.
        entries: From `read_entries`.

    Returns:
        The settings.

    Raises:
        ValueError: The reference is not one of the entries, or there is no GPU.
    """
    import torch
    from mmengine.device import get_device

    from fbinpaint_mm.benchmark.settings import Settings

    names = [entry.name for entry in entries]
    reference = args.reference or names[0]
    if reference not in names:
        left = 'left by --only' if args.only else 'there'
        raise ValueError(
            f'--reference {reference!r} is not an entry; {left} are {", ".join(names)}'
        )
    if args.device == 'cuda' and not torch.cuda.is_available():
        raise ValueError('--device cuda: torch finds no GPU')
    return Settings(
        out=args.out,
        reference=reference,
        device=args.device or get_device(),
        split=args.split,
        batch_size=args.batch_size,
        max_images=args.max_images,
        lpips=args.lpips,
        fid=args.fid,
        iterations=args.train,
        equal=args.equal or EQUAL[0],
        seeds=tuple(args.seeds or [0]),
        train_tool=TRAIN_TOOL,
        speed=not args.no_speed,
        command=[Path(sys.executable).name, sys.argv[0], *args.argv],
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark that the command line asks for.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        Exit status: 1 if an entry failed, 130 after an interruption by the user.
    """
    args = parse_args(argv)
    # Slow, so the command line is checked first.
    from mmengine.registry import init_default_scope

    from fbinpaint_mm.benchmark.run_benchmark import run_benchmark
    from fbinpaint_mm.benchmark.speed.size_sweep import run_size_sweep

    try:
        entries = read_entries(args)
        settings = build_settings(args, entries)
        init_default_scope('mmagic')
        if args.sizes:
            failed = run_size_sweep(entries, args.sizes, settings)
        else:
            data_config, data_cfg = find_data(args, entries)
            failed = run_benchmark(entries, data_cfg, data_config, settings)
    except (ValueError, OSError) as error:
        args.error(str(error))
    except KeyboardInterrupt:
        print('interrupted; the same command goes on from here', file=sys.stderr)
        return INTERRUPTED
    return int(failed > 0)


if __name__ == '__main__':
    sys.exit(main())
