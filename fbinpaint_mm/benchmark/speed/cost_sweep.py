"""What training costs with each switch of speed and memory, for each number of rounds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from tqdm import tqdm

from fbinpaint_mm.benchmark.environment import describe_environment
from fbinpaint_mm.benchmark.report.speed_markdown import Costs, cost_tables
from fbinpaint_mm.benchmark.speed.training_cost import measure_training_cost
from fbinpaint_mm.in_one_line import in_one_line
from fbinpaint_mm.write_file import write_file


def run_cost_sweep(
    variants: Mapping[tuple[str, int], Config],
    reference: tuple[str, int],
    out: Path,
    device: str,
    command: Sequence[str],
    **options: Any,
) -> Costs:
    """Measure every variant, one after the other; the report is written anew after each.

    Args:
        variants: Switch and number of rounds -> the whole config.
        reference: The variant that all others are given as multiples of.
        out: Folder of ``memory_<device>.md`` and ``memory_<device>.json``.
        device: Such as ``'cpu'`` or ``'cuda'``.
        command: The command line, for the report.
        **options: ``warm_up``, ``repeats`` and ``limit`` of ``measure_training_cost``.

    Returns:
        The numbers of each switch and number of rounds; ``error`` where there are none.
    """
    costs: dict[str, dict[int, dict[str, Any]]] = {}
    environment = describe_environment(command, device)
    with tqdm(variants.items(), unit='variant', dynamic_ncols=True) as bar:
        for (switch, rounds), cfg in bar:
            bar.set_description(f'{switch}, R = {rounds}')
            costs.setdefault(switch, {})[rounds] = _cost(cfg, device, options)
            _write(costs, reference, environment, out / f'memory_{device}')
    return costs


def _cost(cfg: Config, device: str, options: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return measure_training_cost(cfg, device, **options)
    except Exception as error:
        return dict(error=in_one_line(error))


def _write(
    costs: Costs, reference: tuple[str, int], environment: Mapping[str, Any], path: Path
) -> None:
    facts = '\n'.join(f'- {key}: {value}' for key, value in environment.items())
    tables = cost_tables(costs, reference)
    write_file(path.with_suffix('.md'), f'# Cost of training\n\n{facts}\n\n{tables}\n')
    content = dict(environment=environment, reference=reference, costs=costs)
    write_file(path.with_suffix('.json'), json.dumps(content, indent=1) + '\n')
