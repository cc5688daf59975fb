"""What a command line of ``tools/benchmark.py`` asks for."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.benchmark_runner import run_benchmark
from fbinpaint_mm.benchmark.entry import Entry, check_trainings, parse_entries
from fbinpaint_mm.benchmark.report.write_all import OPTIONAL
from fbinpaint_mm.benchmark.speed.sweeps import run_size_sweep
from fbinpaint_mm.benchmark.workbench import ENTRIES, LOG, PICTURES, Settings
from fbinpaint_mm.checkpoint import check_checkpoint
from fbinpaint_mm.config_file import find_config, read_config
from fbinpaint_mm.folder_lock import locked_folder
from fbinpaint_mm.models.classical_inpaintor import CLASSICAL_METHODS
from fbinpaint_mm.models.onnx_inpaintor import OnnxInpaintor
from fbinpaint_mm.optimizer_settings import drop_idle_optimizers
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import check_writable

# What a benchmark leaves in its folder.
WRITTEN = (PICTURES, ENTRIES, 'speed.*', 'results.*', *OPTIONAL)


def run_command(args: Namespace) -> int:
    """Compare models, or with ``args.sizes`` only their speed.

    Args:
        args: Of ``tools/benchmark.py``.

    Returns:
        How many entries or measurements failed.

    Raises:
        UserError: Something that is asked for contradicts the rest or cannot be used, or another
            process writes to the folder.
        OSError: A file is missing.
    """
    entries = read_entries(args)
    settings = build_settings(args, entries)
    init_default_scope('mmagic')
    check_writable(settings.out)
    check_output(settings.out)
    with locked_folder(settings.out):
        if args.sizes:
            return run_size_sweep(entries, args.sizes, settings)
        data_config, data_cfg = find_data(args, entries)
        return run_benchmark(entries, data_cfg, data_config, settings)


def read_entries(args: Namespace) -> list[Entry]:
    """The entries with their configs.

    Args:
        args: Of ``tools/benchmark.py``.

    Returns:
        Those that are not left out, every file they name found.

    Raises:
        UserError: An entry is malformed, is wanted but not there, or lacks a checkpoint although
            nothing is trained.
        FileNotFoundError: A config or a checkpoint is missing.
    """
    entries = choose(parse_entries(args.entries), args.only)
    for entry in entries:
        if entry.has_config:
            find_config(entry.source, CLASSICAL_METHODS)
        if entry.checkpoint is not None:
            check_checkpoint(entry.checkpoint)
        if entry.onnx_file:
            OnnxInpaintor(entry.onnx_file)  # says what is wrong with it
        check_folder(entry, args)
    if args.iterations is not None and not any(entry.is_trained for entry in entries):
        raise UserError('--train: every entry has its checkpoint, or does not learn')
    entries = [replace(entry, cfg=config_of(args, entry)) for entry in entries]
    if not args.sizes:
        check_trainings(entries, trains=args.iterations is not None)
    return entries


def check_folder(entry: Entry, args: Namespace) -> None:
    """Refuse a folder of results where there is nothing to do with it, or harm.

    Raises:
        UserError: Only speed is measured, or the folder lies where the benchmark writes.
    """
    if not entry.is_folder:
        return
    if args.sizes:
        raise UserError(f'--sizes: {entry.source} holds results, whose speed cannot be measured')
    if Path(entry.source).resolve().is_relative_to(args.out.resolve()):
        raise UserError(
            f'entry {entry.name!r}: {entry.source} lies in --out {args.out}, where the benchmark '
            'replaces pictures; move the results elsewhere'
        )


def check_output(out: Path) -> None:
    """Refuse a folder in which files would be replaced that no benchmark made.

    Raises:
        UserError: It has files or folders of the names of a benchmark's, and no log of one.
    """
    if (out / LOG).exists():
        return
    found = next((path for pattern in WRITTEN for path in out.glob(pattern)), None)
    if found is not None:
        raise UserError(
            f'--out {out}: it holds {found.name}, which no benchmark made and which would be '
            'replaced; choose another folder'
        )


def choose(entries: list[Entry], names: Sequence[str] | None) -> list[Entry]:
    """The entries that ``--only`` names, in their own order; ``None`` keeps all.

    Raises:
        UserError: A name is no entry's.
    """
    if names is None:
        return entries
    there = [entry.name for entry in entries]
    for name in names:
        if name not in there:
            raise UserError(f'--only {name!r} is not an entry; there are {", ".join(there)}')
    return [entry for entry in entries if entry.name in names]


def config_of(args: Namespace, entry: Entry) -> Config:
    """The config of an entry, changed as the command line says."""
    if entry.is_folder:
        return Config(dict(model=dict()))
    if entry.is_classical:
        return Config(dict(model=dict(type='ClassicalInpaintor', method=entry.source)))
    if entry.onnx_file:
        return Config(dict(model=dict(type='OnnxInpaintor', onnx_file=entry.onnx_file)))
    return load(args, entry.source)


def load(args: Namespace, config: str) -> Config:
    """A config file, changed as the command line says."""
    cfg = read_config(config, args.cfg_options)
    drop_idle_optimizers(cfg)
    # A network of round 0 alone has no others.
    if args.rounds is not None and (cfg.model.get('test_cfg') or {}).get('rounds'):
        cfg.model.test_cfg.rounds = args.rounds
    return cfg


def find_data(args: Namespace, entries: Sequence[Entry]) -> tuple[str, Config]:
    """Path and content of the config with the images and holes.

    Args:
        args: Of ``tools/benchmark.py``.
        entries: From ``read_entries``.

    Raises:
        UserError: There is none.
        FileNotFoundError: The one that is named is missing.
    """
    if args.data is not None:
        find_config(args.data)
        return args.data, load(args, args.data)
    for entry in entries:
        if entry.has_config:
            return entry.source, entry.cfg
    raise UserError('no entry has a config that says which images to use: give --data CONFIG')


def build_settings(args: Namespace, entries: Sequence[Entry]) -> Settings:
    """Everything that is not about one entry.

    Args:
        args: Of ``tools/benchmark.py``; those of the names of settings are taken over.
        entries: From ``read_entries``.

    Raises:
        UserError: The reference is not one of the entries, or there is no GPU.
    """
    names = [entry.name for entry in entries]
    reference = args.reference or names[0]
    if reference not in names:
        left = 'left by --only' if args.only else 'there'
        raise UserError(f'--reference {reference!r} is not an entry; {left} are {", ".join(names)}')
    if args.device == 'cuda' and not torch.cuda.is_available():
        raise UserError('--device cuda: torch finds no GPU')
    known = {field.name for field in fields(Settings)}
    given = {key: value for key, value in vars(args).items() if key in known and value is not None}
    computed = dict(
        reference=reference,
        device=args.device or get_device(),
        command=[Path(sys.executable).name, sys.argv[0], *args.argv],
    )
    return Settings(**{**given, **computed})
