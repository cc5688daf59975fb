"""Sweeps: speed by image size, and of training by switch and number of rounds."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from tqdm import tqdm

from fbinpaint_mm.benchmark.entry import Entry, missing_for_training
from fbinpaint_mm.benchmark.environment import describe_environment
from fbinpaint_mm.benchmark.fresh_process import call_in_process
from fbinpaint_mm.benchmark.report.speed_markdown import speed_section
from fbinpaint_mm.benchmark.results import ResultStore
from fbinpaint_mm.benchmark.speed.inference_speed import make_synthetic_batch
from fbinpaint_mm.benchmark.speed.measure_speed import SpeedMeter
from fbinpaint_mm.benchmark.speed.training_speed import training_speed
from fbinpaint_mm.benchmark.workbench import ENTRIES, LOG, Settings, open_log
from fbinpaint_mm.config_file import read_config
from fbinpaint_mm.folder_lock import locked_folder
from fbinpaint_mm.optimizer_settings import drop_idle_optimizers, enable_amp
from fbinpaint_mm.user_error import UserError, in_one_line
from fbinpaint_mm.write_file import check_writable, write_file

# Group, such as a size -> name -> gives what ``EntryResult.speed`` describes.
Jobs = Mapping[str, Mapping[str, Callable[[], dict[str, Any]]]]

PLAIN = 'plain'


def set_key(key: str) -> Callable[[Config], None]:
    """A switch that sets a key of the model."""
    return lambda cfg: cfg.merge_from_dict({f'model.{key}': True})


SWITCHES: dict[str, Callable[[Config], None]] = {
    PLAIN: lambda cfg: None,
    'checkpoint_rounds': set_key('train_cfg.checkpoint_rounds'),
    'only_last_learns': set_key('train_cfg.only_last_learns'),
    'channels_last': set_key('channels_last'),
    'bfloat16': lambda cfg: enable_amp(cfg, 'bfloat16'),
}
DEFAULT = (*SWITCHES, 'checkpoint_rounds+channels_last+bfloat16')


def run_size_sweep(entries: Sequence[Entry], sizes: Sequence[int], settings: Settings) -> int:
    """Measure each entry at each size; write ``speed.md`` and ``speed.json``.

    What an interrupted call has measured is kept and reused, as in the benchmark itself.

    Args:
        entries: With their configs; weights do not matter, and data only to measure training.
        sizes: Height and width of the images in pixels.
        settings: ``out``, ``reference``, ``training``, ``device`` and ``command`` are read.

    Returns:
        How many measurements failed.
    """
    with open_log(settings.out / LOG) as logger:
        store = ResultStore(settings.out / ENTRIES, logger)
        meter = SpeedMeter(settings.out, settings.device, store, logger)
        jobs = {
            f'{size} px': {
                one.name: partial(meter.speed, one, make_synthetic_batch(size), f'speed_{size}')
                for one in (sized(entry, size, settings.training) for entry in entries)
            }
            for size in sizes
        }
        environment = describe_environment(settings.command, settings.device)
        return run_sweep(jobs, settings.reference, environment, settings.out / 'speed')


def sized(entry: Entry, size: int, training: bool) -> Entry:
    """The entry as a sweep measures it: its config is that of the model alone, or trains at a size.

    Args:
        entry: With its config.
        size: Height and width of the training images in pixels.
        training: Whether training is measured, too; without what it needs it is not.
    """
    cfg = Config(dict(model=entry.cfg.model))
    if training and not missing_for_training(entry.cfg):
        cfg = deepcopy(entry.cfg)
        cfg.merge_from_dict({'train_dataloader.dataset.image_size': size})
    return replace(entry, cfg=cfg)


def run_switch_sweeps(args: Namespace) -> int:
    """Measure training with each switch and number of rounds, on each device.

    Args:
        args: Of ``tools/benchmark_memory.py``. ``args.out`` gets ``memory_<device>.md``,
            ``memory_<device>.json`` and the log.

    Returns:
        How many combinations could not be measured.

    Raises:
        UserError: A switch is unknown, an option has a key that nothing reads, or another process
            writes to the folder.
        FileNotFoundError: The config is missing.
    """
    cfg = read_config(args.config, args.cfg_options)
    drop_idle_optimizers(cfg)
    variants = build_variants(cfg, args.switches or DEFAULT, args.rounds)
    devices = args.devices or ['cpu', *(['cuda'] if torch.cuda.is_available() else [])]
    check_writable(args.out)
    with locked_folder(args.out):
        return sum(run_switch_sweep(variants, device, args) for device in devices)


def run_switch_sweep(
    variants: Mapping[int, Mapping[str, Config]], device: str, args: Namespace
) -> int:
    """The part of ``run_switch_sweeps`` on one device; returns what failed."""
    path = args.out / f'memory_{device}'
    options = dict(log=path.with_suffix('.log'), device=device)
    jobs = {
        f'R = {rounds}': {
            name: partial(
                call_in_process, training_speed, one.to_dict(), device, args.limit, **options
            )
            for name, one in row.items()
        }
        for rounds, row in variants.items()
    }
    environment = describe_environment(['python', *sys.argv], device)
    return run_sweep(jobs, PLAIN, environment, path)


def build_variants(
    cfg: Config, switches: Sequence[str], rounds: Sequence[int]
) -> dict[int, dict[str, Config]]:
    """The config of each combination of switch and number of rounds.

    Args:
        cfg: The whole config; left as it is.
        switches: Names in ``SWITCHES``, or several of them joined by ``+``.
        rounds: Values of R.

    Returns:
        Number of rounds -> switch, the plain one first -> the whole config.

    Raises:
        UserError: A switch is unknown.
    """
    unknown = {part for name in switches for part in name.split('+')} - set(SWITCHES)
    if unknown:
        raise UserError(f'--switches {", ".join(sorted(unknown))}: not among {", ".join(SWITCHES)}')
    variants: dict[int, dict[str, Config]] = {number: {} for number in rounds}
    for number, row in variants.items():
        for name in dict.fromkeys([PLAIN, *switches]):
            row[name] = variant = deepcopy(cfg)
            variant.merge_from_dict({'model.train_cfg.rounds': number})
            for part in name.split('+'):
                SWITCHES[part](variant)
    return variants


def run_sweep(jobs: Jobs, reference: str, environment: Mapping[str, Any], path: Path) -> int:
    """Measure everything; the report is written anew after each measurement, and printed.

    Args:
        jobs: The measurements; one that fails is reported, and the others go on.
        reference: Name of the one that the others of a group are compared with.
        environment: From ``describe_environment``.
        path: Of the report, without suffix: ``.md`` for people, ``.json`` for programs.

    Returns:
        How many measurements failed.
    """
    speeds: dict[str, dict[str, Any]] = {group: {} for group in jobs}
    total = sum(len(group) for group in jobs.values())
    with tqdm(total=total, unit='model', dynamic_ncols=True) as bar:
        for group, measurements in jobs.items():
            for name, measure in measurements.items():
                bar.set_description(f'{name}, {group}')
                try:
                    speeds[group][name] = measure()
                except Exception as error:
                    speeds[group][name] = dict(error=in_one_line(error))
                write_speeds(speeds, reference, environment, path)
                bar.update()
    print(path.with_suffix('.md').read_text(encoding='utf-8'))
    return sum('error' in one for group in speeds.values() for one in group.values())


def write_speeds(
    speeds: Mapping[str, Mapping[str, Any]],
    reference: str,
    environment: Mapping[str, Any],
    path: Path,
) -> None:
    """Write tables, one section for each group, and numbers."""
    facts = '\n'.join(f'- {key}: {value}' for key, value in environment.items())
    sections = [speed_section(group, reference, title) for title, group in speeds.items()]
    text = '\n\n'.join(['# Speed', facts, *(section for section in sections if section)])
    write_file(path.with_suffix('.md'), text + '\n')
    content = dict(environment=environment, reference=reference, speeds=speeds)
    write_file(path.with_suffix('.json'), json.dumps(content, indent=1) + '\n')
