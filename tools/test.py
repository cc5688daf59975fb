"""Tests a checkpoint and reports its scores.

Usage: python tools/test.py CONFIG CHECKPOINT [--work-dir DIR] [--out SCORES.json] ...
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import mmengine
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from fbinpaint_mm.cli.launch import (
    add_common_arguments,
    build_runner,
    check_output_file,
    end_processes,
    errors_for_users,
    load_config,
    parse,
)

SUFFIXES = ('.json', '.yaml', '.yml', '.pkl')


class SaveScoresHook(Hook):
    """Writes the scores, and what each of them measures, to a file when the test has ended.

    The file holds ``scores`` (name -> value) and ``protocol`` (metric -> unit, data range, ...).

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
            from fbinpaint_mm.evaluation.protocol import protocol_of_loop

            protocol = protocol_of_loop(runner.test_loop)
            mmengine.dump({'scores': scores, 'protocol': protocol}, self.path)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, with every file they name found and the output file writable.
    """
    parser = argparse.ArgumentParser(description='Test a checkpoint')
    add_common_arguments(parser)
    parser.add_argument('checkpoint', help='checkpoint file or address')
    parser.add_argument('--out', help=f'file to write the scores to ({", ".join(SUFFIXES)})')
    args = parse(parser, argv)
    if args.out and Path(args.out).suffix not in SUFFIXES:
        parser.error(f'--out {args.out!r} should end with one of {", ".join(SUFFIXES)}')
    try:
        if args.out:
            check_output_file(Path(args.out))
    except OSError as error:
        parser.error(str(error))
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


def run_test(cfg: Config, out: str | None) -> None:
    """Tests the checkpoint of a config.

    A function of its own, so that no Runner is left when `end_processes` leaves the group.

    Args:
        cfg: From `build_config`.
        out: File to write the scores to, if any.

    Raises:
        ValueError: The checkpoint is not one of this model.
    """
    from fbinpaint_mm.checkpoint import check_fits

    runner = build_runner(cfg)
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    check_fits(model, cfg.load_from)
    if out:
        runner.register_hook(SaveScoresHook(out))
    runner.test()


def main() -> None:
    """Tests what the command line says."""
    args = parse_args()
    with errors_for_users('test.py'):
        run_test(build_config(args), args.out)
    end_processes()


if __name__ == '__main__':
    main()
