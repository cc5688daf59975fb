"""Old import paths, until every tool has its branch merged; then this file goes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from mmengine.config import Config

from fbinpaint_mm import config_file, write_file
from fbinpaint_mm.checkpoint import check_checkpoint
from fbinpaint_mm.cli.resume import find_newest_checkpoint
from fbinpaint_mm.cli.run_config import drop_idle_optimizers, enable_amp, load_run_config
from fbinpaint_mm.user_error import UserError, errors_for_users

__all__ = [
    'check_checkpoint',
    'check_config_file',
    'check_writable',
    'drop_idle_optimizers',
    'enable_amp',
    'errors_for_users',
    'find_config',
    'find_newest_checkpoint',
    'load_config',
    'natural',
    'positive',
]


def check_config_file(config: str, others: Iterable[str] = ()) -> None:
    """See `fbinpaint_mm.config_file.find_config`."""
    try:
        config_file.find_config(config, others)
    except FileNotFoundError as error:
        hint = str(error).partition('. ')[2]
        raise FileNotFoundError(f'config file {config!r} does not exist. {hint}') from error


def find_config(config: str) -> str:
    """See `fbinpaint_mm.config_file.find_config`."""
    return str(config_file.find_config(config))


def check_writable(folder: Path) -> None:
    """See `fbinpaint_mm.write_file.check_writable`."""
    try:
        write_file.check_writable(folder)
    except UserError as error:
        raise OSError(str(error)) from error


def load_config(args: argparse.Namespace) -> Config:
    """See `load_run_config`."""
    return load_run_config(args.config, args.cfg_options, args.work_dir, args.launcher)


def natural(text: str) -> int:
    """A whole number of at least 0, as the type of an argument."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f'{number} is negative')
    return number


def positive(text: str) -> int:
    """A whole number above 0, as the type of an argument."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{number} is not a positive number')
    return number
