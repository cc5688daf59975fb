"""Trains a model.

Usage: python tools/train.py CONFIG [--work-dir DIR] [--resume [CHECKPOINT]] [--amp] ...
"""

from __future__ import annotations

import argparse

from _arguments import add_cfg_options, add_launcher, add_trust, checked_launcher


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments of `fbinpaint_mm.cli.running.run_training`.
    """
    parser = argparse.ArgumentParser(description='Train a model')
    add = parser.add_argument
    add('config', help='config file or its name, or the name of a trained model, which learns more')
    add(
        '--work-dir',
        help='folder for logs, pictures, checkpoints (default: ./work_dirs/<name of the config>)',
    )
    add_cfg_options(
        parser,
        'settings that replace those of the config, e.g. max_iters=1000 '
        'optim_wrapper.generator.optimizer.lr=1e-4. A list is written key="[a,b]" or key=a,b.',
    )
    add(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from this checkpoint, or from the newest one in the work directory',
    )
    add('--amp', action='store_true', help='train in mixed precision')
    add(
        '--amp-dtype',
        choices=['float16', 'bfloat16'],
        help='lower precision of --amp (default: float16 on a GPU, bfloat16 on a CPU)',
    )
    add('--auto-scale-lr', action='store_true', help='scale learning rates to the real batch size')
    add_launcher(parser)
    add_trust(parser)
    args = parser.parse_args(argv)
    return checked_launcher(parser, args)


def main() -> None:
    """Trains what the command line says."""
    args = parse_args()
    from fbinpaint_mm.cli.running import run_training  # slow: after the command line is checked

    run_training(**vars(args))


if __name__ == '__main__':
    main()
