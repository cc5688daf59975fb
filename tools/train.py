"""Trains a model.

Usage: python tools/train.py CONFIG [--work-dir DIR] [--resume [CHECKPOINT]] [--amp] ...
"""

from __future__ import annotations

import argparse
import sys

from mmengine.config import Config

from fbinpaint_mm.cli.launch import (
    AUTO,
    add_common_arguments,
    build_runner,
    enable_amp,
    enable_auto_scale_lr,
    end_processes,
    errors_for_users,
    load_config,
    parse,
    set_resume,
)

INTERRUPTED = 130  # what shells and schedulers take for a Ctrl-C


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, with every file they name found.
    """
    parser = argparse.ArgumentParser(description='Train a model')
    add_common_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const=AUTO,
        metavar='CHECKPOINT',
        help='continue from this checkpoint, or from the newest one in the work directory',
    )
    parser.add_argument('--amp', action='store_true', help='train in mixed precision')
    parser.add_argument(
        '--amp-dtype',
        choices=['float16', 'bfloat16'],
        help='lower precision of --amp (default: float16 on a GPU, bfloat16 on a CPU)',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale learning rates to the real batch size',
    )
    return parse(parser, argv)


def build_config(args: argparse.Namespace) -> Config:
    """Reads the config and applies the command line to it.

    Args:
        args: From `parse_args`.

    Returns:
        The config to train.

    Raises:
        ValueError: ``--amp`` or ``--auto-scale-lr`` does not go with this config or machine.
    """
    cfg = load_config(args)
    if args.amp:
        enable_amp(cfg, args.amp_dtype)
    if args.auto_scale_lr:
        enable_auto_scale_lr(cfg)
    set_resume(cfg, args.resume)
    return cfg


def train(cfg: Config) -> None:
    """Trains; the first Ctrl-C ends it after the iteration.

    A function of its own, so that no Runner is left when `end_processes` leaves the group.

    Args:
        cfg: From `build_config`.

    Raises:
        DivergedTrainingError: A loss is not finite.
        KeyboardInterrupt: The user ended it.
    """
    from fbinpaint_mm.engine import InterruptHook

    runner = build_runner(cfg)
    for hook in runner.hooks:
        if isinstance(hook, InterruptHook):
            hook.listen()
    runner.train()


def main() -> None:
    """Trains what the command line says; ends with a message if it cannot, or is stopped."""
    args = parse_args()
    # Slow, so the command line is checked first.
    from fbinpaint_mm.engine import DivergedTrainingError

    try:
        with errors_for_users('train.py'):
            train(build_config(args))
    except DivergedTrainingError as error:
        # Other processes may know nothing of it, or be in the middle of an iteration: here and
        # below none is waited for. What had to be saved is whole.
        sys.exit(str(error))
    except KeyboardInterrupt as interrupt:
        print(f'Interrupted: {interrupt}', file=sys.stderr)
        sys.exit(INTERRUPTED)
    end_processes()


if __name__ == '__main__':
    main()
