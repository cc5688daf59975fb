"""Tests a checkpoint and reports its scores.

Usage: python tools/test.py CONFIG CHECKPOINT [--work-dir DIR] [--out SCORES.json] ...
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import mmengine
from launch import add_common_arguments, build_runner, load_config, parse
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

SUFFIXES = ('.json', '.yaml', '.yml', '.pkl')


class SaveScoresHook(Hook):
    """Writes the scores to a file when the test has ended.

    Args:
        path: File to write; its suffix decides the format.
    """

    priority = 'LOWEST'

    def __init__(self, path: str) -> None:
        self.path = path

    def after_test_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Writes the file, in the first process only.

        Args:
            runner: The Runner of the test.
            metrics: Scores by name; numbers of numpy or torch become plain ones.
        """
        if runner.rank == 0:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            scores = {
                name: value.item() if hasattr(value, 'item') else value
                for name, value in (metrics or {}).items()
            }
            mmengine.dump(scores, self.path)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, with every file they name found.
    """
    parser = argparse.ArgumentParser(description='Test a checkpoint')
    add_common_arguments(parser)
    parser.add_argument('checkpoint', help='checkpoint file or address')
    parser.add_argument('--out', help=f'file to write the scores to ({", ".join(SUFFIXES)})')
    args = parse(parser, argv)
    if args.out and Path(args.out).suffix not in SUFFIXES:
        parser.error(f'--out {args.out!r} should end with one of {", ".join(SUFFIXES)}')
    return args


def build_config(args: argparse.Namespace) -> Config:
    """Reads the config and applies the command line to it.

    Args:
        args: From `parse_args`.

    Returns:
        The config to test, with the checkpoint as ``load_from``.
    """
    cfg = load_config(args)
    cfg.load_from, cfg.resume = args.checkpoint, False
    return cfg


def check_fits(model: nn.Module, checkpoint: str) -> None:
    """Refuses a checkpoint of another model, whose scores would be those of random weights.

    Args:
        model: The model of the config.
        checkpoint: Path or address of the checkpoint.

    Raises:
        ValueError: A parameter or buffer of the generator is missing or has another shape.
    """
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    given = loaded.get('state_dict', loaded)
    needed = {k: v.shape for k, v in model.state_dict().items() if k.startswith('generator.')}
    wrong = [k for k, shape in needed.items() if k not in given or given[k].shape != shape]
    if wrong:
        found = tuple(given[wrong[0]].shape) if wrong[0] in given else 'nothing'
        raise ValueError(
            f'checkpoint {checkpoint!r} does not belong to this config: {len(wrong)} of '
            f'{len(needed)} entries do not fit, first {wrong[0]!r}: found {found}, expected '
            f'{tuple(needed[wrong[0]])}. Test it with the config it was trained with'
        )


def main() -> None:
    """Tests what the command line says."""
    args = parse_args()
    import fbinpaint_mm  # noqa: F401  (slow, so the command line is checked first)

    runner = build_runner(build_config(args))
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    check_fits(model, args.checkpoint)
    if args.out:
        runner.register_hook(SaveScoresHook(args.out))
    runner.test()


if __name__ == '__main__':
    main()
