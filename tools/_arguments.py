"""Arguments of several tools. It imports little: the tools parse before they import the package."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from typing import Any

# What each way to start several processes puts into their environment.
LAUNCHERS = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_LOCAL_RANK')


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Adds how several processes were started."""
    add = parser.add_argument
    add(
        '--launcher',
        choices=['none', *LAUNCHERS],
        default='none',
        help='how several processes were started (default: %(default)s, a single process)',
    )
    # Given by `python -m torch.distributed.launch`; torchrun sets LOCAL_RANK by itself.
    add('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Adds whether checkpoints may run programs."""
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='read checkpoints that can run a program; only if you know who made them',
    )


def add_cfg_options(
    parser: argparse.ArgumentParser, text: str = 'settings that replace those of the config'
) -> None:
    """Adds settings that replace those of the config; ``text`` is the help."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        default={},
        metavar='KEY=VALUE',
        help=text,
    )


def checked_launcher(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> argparse.Namespace:
    """The arguments without the rank, which libraries read from the environment."""
    variable = LAUNCHERS.get(args.launcher)
    if variable and variable not in os.environ:
        parser.error(
            f'--launcher {args.launcher}: found no {variable} in the environment; start it with '
            'tools/dist_train.sh, tools/slurm_train.sh or their like'
        )
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    del args.local_rank
    return args


class ConfigOptions(argparse.Action):
    """The action of ``--cfg-options KEY=VALUE ...``: mmengine's, with a message for a mistake."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Adds the settings to those that were given before."""
        from mmengine.config import DictAction

        wrong = [text for text in values if '=' not in text]
        if wrong:
            raise argparse.ArgumentError(self, f'found {wrong[0]!r}, expected KEY=VALUE')
        try:
            action = DictAction(self.option_strings, self.dest)
            action(parser, namespace, values, option_string)
        except AssertionError as error:  # of brackets without a counterpart
            raise argparse.ArgumentError(self, str(error)) from error


def number(kind: type, low: float, high: float = math.inf) -> Callable[[str], float]:
    """The type of an argument: a number of a kind and in a range, both ends included."""

    def parse(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            expected = f'{low} or more' if high == math.inf else f'{low} to {high}'
            raise argparse.ArgumentTypeError(f'{text} is out of range, expected {expected}')
        return value

    parse.__name__ = kind.__name__  # for "invalid int value"
    return parse
