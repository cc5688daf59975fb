"""Measures what passes between the command and the first result, stage by stage.

Usage: python tools/benchmark_startup.py CONFIG [CHECKPOINT] [--size PIXELS] [--repeats N]

Each repeat is a process of its own. The stage ``mmagic and mmseg`` is what every user of those two
waits for, and the reference: the others are given as multiples of it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from fbinpaint_mm.cli.launch import check_checkpoint, check_config_file

PACKAGE = Path(__file__).resolve().parents[1] / 'fbinpaint_mm'
# What an inference needs of the stack before anything of ours is imported.
STACK = ('mmagic.models', 'mmagic.datasets', 'mmagic.structures', 'mmseg.models')
REFERENCE = 'mmagic and mmseg'
SMALLEST_SIZE = 8  # pixels; the hole is the middle half of the image and must not be empty
STAGES = (
    'python',
    'torch',
    REFERENCE,
    'fbinpaint_mm',
    'model',
    'first image',
    'second image',
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, with every file they name found.
    """
    parser = argparse.ArgumentParser(description='Measure the time to the first result')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='default: random weights, at the same cost')
    parser.add_argument('--size', type=int, default=256, help='of the image (default: %(default)s)')
    parser.add_argument('--repeats', type=int, default=5, help='processes (default: %(default)s)')
    parser.add_argument('--started', type=float, help=argparse.SUPPRESS)  # of a repeat
    args = parser.parse_args(argv)
    if args.size < SMALLEST_SIZE:
        parser.error(f'--size must be at least {SMALLEST_SIZE} pixels, got {args.size}')
    if args.repeats < 1:
        parser.error(f'--repeats must be at least 1, got {args.repeats}')
    try:
        check_config_file(args.config)
        if args.checkpoint is not None:
            check_checkpoint(args.checkpoint)
    except FileNotFoundError as error:
        parser.error(str(error))
    return args


def load_compat() -> object:
    """``fbinpaint_mm.compat`` alone, without the package, whose import is a stage of its own."""
    spec = importlib.util.spec_from_file_location('compat', PACKAGE / 'compat.py')
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def run_stages(args: argparse.Namespace) -> list[float]:
    """Does once what a command does, in this process.

    Args:
        args: With ``started``, the time at which the process was asked for.

    Returns:
        The time at the end of each of `STAGES`, in seconds since ``started``.
    """
    times = []

    def note() -> None:
        times.append(time.time() - args.started)

    note()
    importlib.import_module('torch')
    note()
    load_compat().install()
    for name in STACK:
        importlib.import_module(name)
    note()
    from fbinpaint_mm.apis import FeedbackInpainter

    note()
    inpainter = FeedbackInpainter(args.config, args.checkpoint, device='cpu')
    note()
    for _ in range(2):
        inpaint_once(inpainter, args.size)
        note()
    return times


def inpaint_once(inpainter: object, size: int) -> None:
    """Inpaints the middle of a grey image of ``size`` x ``size`` pixels."""
    import numpy as np

    mask = np.zeros((size, size), np.uint8)
    mask[size // 4 : -size // 4, size // 4 : -size // 4] = 1
    inpainter.inpaint(np.full((size, size, 3), 128, np.uint8), mask)


def measure(args: argparse.Namespace) -> list[float]:
    """Durations of `STAGES` in seconds, in a new process.

    Args:
        args: From `parse_args`.

    Raises:
        RuntimeError: The process failed; the message has the end of its output.
    """
    command = [sys.executable, __file__, args.config, *filter(None, [args.checkpoint])]
    command += ['--size', str(args.size), '--started', str(time.time())]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise RuntimeError(f'a repeat failed:\n{process.stderr[-2000:]}')
    times = json.loads(process.stdout.splitlines()[-1])
    return [end - begin for begin, end in zip([0.0, *times], times, strict=False)]


def report(repeats: list[list[float]]) -> str:
    """A Markdown table of medians over repeats, and multiples of the reference.

    Args:
        repeats: For each the durations of `STAGES` in seconds.
    """
    from fbinpaint_mm.benchmark.report.formats import format_ratio, markdown_table

    medians = dict(zip(STAGES, map(median, zip(*repeats, strict=True)), strict=True))
    medians['command to first result'] = median(sum(one[:-1]) for one in repeats)
    rows = [
        [name, f'{seconds:.2f}', format_ratio(seconds / medians[REFERENCE])]
        for name, seconds in medians.items()
    ]
    return markdown_table(['stage', 'seconds', f'multiple of {REFERENCE}'], rows)


def main(argv: list[str] | None = None) -> None:
    """Measures what the command line says."""
    args = parse_args(argv)
    if args.started is not None:
        print(json.dumps(run_stages(args)))
        return
    repeats = [measure(args) for _ in range(args.repeats)]
    print(f'Medians of {args.repeats} processes, {args.size} x {args.size} pixels, CPU.\n')
    print(report(repeats))


if __name__ == '__main__':
    main()
