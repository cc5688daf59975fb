"""What training costs with each switch of speed and memory, for each number of rounds."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from tqdm import tqdm

from fbinpaint_mm.benchmark.environment import describe_environment
from fbinpaint_mm.benchmark.fresh_process import call_in_process
from fbinpaint_mm.benchmark.report.speed_markdown import Costs, cost_tables
from fbinpaint_mm.benchmark.speed.measure_speed import measure_iteration
from fbinpaint_mm.config_file import find_config, read_config
from fbinpaint_mm.optimizer_settings import drop_idle_optimizers, enable_amp
from fbinpaint_mm.user_error import UserError, in_one_line
from fbinpaint_mm.write_file import write_file

PLAIN = 'plain'


def setting(key: str) -> Callable[[Config], None]:
    """A switch that sets a key of the model."""
    return lambda cfg: cfg.merge_from_dict({f'model.{key}': True})


SWITCHES: dict[str, Callable[[Config], None]] = {
    PLAIN: lambda cfg: None,
    'checkpoint_rounds': setting('train_cfg.checkpoint_rounds'),
    'only_last_learns': setting('train_cfg.only_last_learns'),
    'channels_last': setting('channels_last'),
    'bfloat16': lambda cfg: enable_amp(cfg, 'bfloat16'),
}
DEFAULT = (*SWITCHES, 'checkpoint_rounds+channels_last+bfloat16')


def run_switch_sweeps(args: Namespace) -> int:
    """Measure every combination of switch and number of rounds on each device.

    Args:
        args: Of ``tools/benchmark_memory.py``.

    Returns:
        How many combinations could not be measured.

    Raises:
        UserError: A switch is unknown, or an option has a key that nothing reads.
        FileNotFoundError: The config is missing.
    """
    find_config(args.config)
    switches = args.switches or DEFAULT
    variants = build_variants(args.config, args.cfg_options, switches, args.rounds)
    devices = args.devices or ['cpu', *(['cuda'] if torch.cuda.is_available() else [])]
    options = (args.out, ['python', *sys.argv], args.limit)
    return sum(
        run_switch_sweep(variants, args.reference_rounds, device, *options) for device in devices
    )


def build_variants(
    config: str, options: Mapping[str, Any], switches: Sequence[str], rounds: Sequence[int]
) -> dict[tuple[str, int], Config]:
    """The config of each combination of switch and number of rounds, the plain ones first.

    Args:
        config: Path of the config file.
        options: Settings that replace those of the config, by dotted name.
        switches: Names in ``SWITCHES``, or several of them joined by ``+``.
        rounds: Values of R.

    Returns:
        Switch and number of rounds -> the whole config.

    Raises:
        UserError: A switch is unknown, or an option has a key that nothing reads.
    """
    unknown = {part for name in switches for part in name.split('+')} - set(SWITCHES)
    if unknown:
        raise UserError(f'--switches {", ".join(sorted(unknown))}: not among {", ".join(SWITCHES)}')
    cfg = read_config(config, dict(options))
    drop_idle_optimizers(cfg)
    variants = {}
    for name in dict.fromkeys([PLAIN, *switches]):
        for number in rounds:
            variants[name, number] = variant = deepcopy(cfg)
            variant.merge_from_dict({'model.train_cfg.rounds': number})
            for part in name.split('+'):
                SWITCHES[part](variant)
    return variants


def run_switch_sweep(
    variants: Mapping[tuple[str, int], Config],
    reference_rounds: int,
    device: str,
    out: Path,
    command: Sequence[str],
    duration: float,
) -> int:
    """Measure every variant in a process of its own; the report is written anew after each.

    Args:
        variants: From ``build_variants``.
        reference_rounds: R of the plain variant that all others are given as multiples of.
        device: Such as ``'cpu'`` or ``'cuda'``.
        out: Folder of ``memory_<device>.md``, ``memory_<device>.json`` and the log.
        command: The command line, for the report.
        duration: Seconds to repeat the iterations of a variant for.

    Returns:
        How many variants could not be measured.
    """
    costs: dict[str, dict[int, dict[str, Any]]] = {}
    environment = describe_environment(command, device)
    reference, path = (PLAIN, reference_rounds), out / f'memory_{device}'
    with tqdm(variants.items(), unit='variant', dynamic_ncols=True) as bar:
        for (switch, rounds), cfg in bar:
            bar.set_description(f'{switch}, R = {rounds}')
            cost = measure_cost(cfg, device, duration, path.with_suffix('.log'))
            costs.setdefault(switch, {})[rounds] = cost
            write_costs(costs, reference, environment, path)
    print(cost_tables(costs, reference))
    return sum('error' in cost for row in costs.values() for cost in row.values())


def measure_cost(cfg: Config, device: str, duration: float, log: Path) -> dict[str, Any]:
    """``peak_memory`` in bytes, ``seconds`` and conditions of an iteration, or its ``error``."""
    arguments = (cfg.to_dict(), device, duration)
    try:
        numbers = call_in_process(measure_iteration, *arguments, log=log, device=device)
    except Exception as error:
        return dict(error=in_one_line(error))
    conditions = numbers['conditions'].items()
    return dict(
        peak_memory=numbers['training_peak_memory'],
        seconds=numbers['training_seconds_per_iteration'],
        **{key.removeprefix('training_'): value for key, value in conditions},
    )


def write_costs(
    costs: Costs, reference: tuple[str, int], environment: Mapping[str, Any], path: Path
) -> None:
    """Write the tables for people and the numbers for programs.

    Args:
        costs: Of ``measure_cost``, by switch and number of rounds.
        reference: The variant that all others are given as multiples of.
        environment: From ``describe_environment``.
        path: Of the files, without suffix.
    """
    facts = '\n'.join(f'- {key}: {value}' for key, value in environment.items())
    tables = cost_tables(costs, reference)
    write_file(path.with_suffix('.md'), f'# Cost of training\n\n{facts}\n\n{tables}\n')
    content = dict(environment=environment, reference=reference, costs=costs)
    write_file(path.with_suffix('.json'), json.dumps(content, indent=1) + '\n')
