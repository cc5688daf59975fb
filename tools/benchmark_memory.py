"""Measures peak memory and time of a training iteration, with and without each switch.

Usage: python tools/benchmark_memory.py CONFIG [--rounds 0 1 2 3] [--switches NAME ...] ...

Every combination of switch and number of rounds runs in a process of its own. OUT/memory_DEVICE.md
has the tables, OUT/memory_DEVICE.json the numbers.
"""

from __future__ import annotations

import argparse
import copy
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.config import Config, DictAction

from fbinpaint_mm.cli.launch import check_config_file, drop_idle_optimizers, enable_amp

PLAIN = 'plain'


def _set(**settings: object) -> Callable[[Config], None]:
    options = {key.replace('__', '.'): value for key, value in settings.items()}
    return lambda cfg: cfg.merge_from_dict(options)


SWITCHES: dict[str, Callable[[Config], None]] = {
    PLAIN: _set(),
    'checkpoint_rounds': _set(model__train_cfg__checkpoint_rounds=True),
    'only_last_learns': _set(model__train_cfg__only_last_learns=True),
    'channels_last': _set(model__channels_last=True),
    'compile_networks': _set(model__compile_networks=True),
    'bfloat16': lambda cfg: enable_amp(cfg, 'bfloat16'),
}
# Without compile_networks, which compiles for minutes.
DEFAULT = [name for name in SWITCHES if name != 'compile_networks']
DEFAULT += ['checkpoint_rounds+channels_last+bfloat16']


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, with the config found and every number in range.
    """
    parser = argparse.ArgumentParser(description='Measure memory and time of training')
    parser.add_argument('config', help='config file of a FeedbackRecorrectionInpaintor')
    parser.add_argument(
        '--rounds', type=int, nargs='+', default=[0, 1, 2, 3], help='values of R (default: 0 to 3)'
    )
    parser.add_argument(
        '--switches',
        nargs='+',
        default=DEFAULT,
        metavar='NAME',
        help=f'of {", ".join(SWITCHES)}, or several joined by +; {PLAIN} is always measured '
        f'(default: {" ".join(DEFAULT)})',
    )
    parser.add_argument(
        '--reference-rounds', type=int, help='R of the reference (default: 2, else the largest)'
    )
    parser.add_argument(
        '--devices', nargs='+', help='such as cpu cuda (default: cpu, and cuda if there is one)'
    )
    parser.add_argument('--repeats', type=int, default=5, help='iterations (default: %(default)s)')
    parser.add_argument(
        '--limit', type=float, default=240.0, help='seconds of a combination (default: %(default)s)'
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/memory'),
        help='folder of the report (default: %(default)s)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='settings that replace those of the config, e.g. train_dataloader.batch_size=2',
    )
    args = parser.parse_args(argv)
    unknown = {part for name in args.switches for part in name.split('+')} - set(SWITCHES)
    if unknown:
        parser.error(f'--switches {", ".join(sorted(unknown))}: not among {", ".join(SWITCHES)}')
    if min(args.rounds) < 0 or args.repeats < 1 or args.limit <= 0:
        parser.error('--rounds must not be negative, --repeats and --limit must be positive')
    if args.reference_rounds is None:
        args.reference_rounds = 2 if 2 in args.rounds else max(args.rounds)
    if args.reference_rounds not in args.rounds:
        parser.error(f'--reference-rounds {args.reference_rounds} is not among --rounds')
    try:
        check_config_file(args.config)
    except FileNotFoundError as error:
        parser.error(str(error))
    return args


def build_variants(args: argparse.Namespace) -> dict[tuple[str, int], Config]:
    """The config of each combination of switch and number of rounds, the plain ones first.

    Args:
        args: From `parse_args`.
    """
    from fbinpaint_mm.config_file import read_config  # slow, so the command line is checked first

    cfg = read_config(args.config, args.cfg_options)
    drop_idle_optimizers(cfg)
    variants = {}
    for name in dict.fromkeys([PLAIN, *args.switches]):
        for rounds in args.rounds:
            variants[name, rounds] = variant = copy.deepcopy(cfg)
            variant.merge_from_dict({'model.train_cfg.rounds': rounds})
            for part in name.split('+'):
                SWITCHES[part](variant)
    return variants


def measure(args: argparse.Namespace, device: str) -> int:
    """Measures on one device, in processes of this one, and prints the tables.

    Args:
        args: From `parse_args`.
        device: Such as 'cpu' or 'cuda'.

    Returns:
        How many combinations failed.
    """
    from fbinpaint_mm.benchmark.report.speed_markdown import cost_tables
    from fbinpaint_mm.benchmark.speed.cost_sweep import run_cost_sweep

    reference = (PLAIN, args.reference_rounds)
    options = dict(repeats=args.repeats, limit=args.limit)
    costs = run_cost_sweep(
        build_variants(args), reference, args.out, device, ['python', *sys.argv], **options
    )
    print(cost_tables(costs, reference))
    return sum('error' in cost for row in costs.values() for cost in row.values())


def measure_apart(devices: Sequence[str]) -> int:
    """Measures on each device in a process of its own, from which other devices are hidden.

    Args:
        devices: Such as 'cpu' and 'cuda'.

    Returns:
        How many of them had failures.
    """
    failed = 0
    for device in devices:
        environment = {**os.environ, **({'CUDA_VISIBLE_DEVICES': ''} if device == 'cpu' else {})}
        command = [sys.executable, *sys.argv, '--devices', device]
        failed += subprocess.run(command, env=environment).returncode != 0
    return failed


def main() -> None:
    """Measures what the command line says; the exit status is 1 if anything failed."""
    args = parse_args()
    if args.devices and len(args.devices) == 1:
        sys.exit(bool(measure(args, args.devices[0])))
    import torch

    devices = args.devices or ['cpu', *(['cuda'] if torch.cuda.is_available() else [])]
    sys.exit(bool(measure_apart(devices)))


if __name__ == '__main__':
    main()
