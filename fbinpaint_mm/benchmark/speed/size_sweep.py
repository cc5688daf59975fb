"""Speed of inference at several image sizes, without data and without checkpoints."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from mmengine.config import Config
from tqdm import tqdm

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.environment import describe_environment, describe_machine
from fbinpaint_mm.benchmark.report.speed_markdown import round_speed_section, speed_section
from fbinpaint_mm.benchmark.result_store import ResultStore
from fbinpaint_mm.benchmark.results import EntryResult
from fbinpaint_mm.benchmark.speed.inference_speed import make_synthetic_batch
from fbinpaint_mm.benchmark.speed.measure_speed import measure_speed
from fbinpaint_mm.benchmark.workbench import Settings, open_log
from fbinpaint_mm.fingerprint import code_content, config_content, fingerprint
from fbinpaint_mm.user_error import in_one_line
from fbinpaint_mm.write_file import write_file


def run_size_sweep(entries: Sequence[Entry], sizes: Sequence[int], settings: Settings) -> int:
    """Measure each entry at each size; write ``speed.md`` and ``speed.json``.

    What an interrupted call has measured is kept and reused, as in the benchmark itself.

    Args:
        entries: With their configs; their weights do not matter.
        sizes: Height and width of the images in pixels.
        settings: ``out``, ``reference``, ``device`` and ``command`` are read.

    Returns:
        How many measurements failed.
    """
    with open_log(settings.out / 'benchmark.log') as logger:
        sweep: dict[int, list[EntryResult]] = {size: [] for size in sizes}
        with tqdm(total=len(sizes) * len(entries), unit='model', dynamic_ncols=True) as bar:
            for size, results in sweep.items():
                for entry in entries:
                    bar.set_description(f'{entry.name}, {size} px')
                    results.append(measure_at(entry, size, settings, logger))
                    bar.update()
        write_sweep(sweep, settings)
        logger.info('Report: %s', settings.out / 'speed.md')
    return sum(result.error is not None for results in sweep.values() for result in results)


def measure_at(entry: Entry, size: int, settings: Settings, logger: logging.Logger) -> EntryResult:
    """Speed of one entry at one size, measured now or earlier on the same machine.

    Args:
        entry: With its config.
        size: Height and width of the image in pixels.
        settings: As for ``run_size_sweep``.
        logger: Gets a failure with its traceback.

    Returns:
        The result; one that failed has ``error`` and no ``speed``.
    """
    store, part = ResultStore(settings.out / 'entries', logger), f'speed_{size}'
    # Without its data and optimizers a config does not train, and only inference is measured.
    inference = Entry(entry.name, entry.source, cfg=Config(dict(model=entry.cfg.model)))
    machine = describe_machine(settings.device)
    mark = fingerprint(config_content(inference.cfg), machine, code_content())
    speed = store.load(entry.name, part, mark)
    if speed is None:
        batch, log = make_synthetic_batch(size), settings.out / part / f'{entry.name}.log'
        try:
            speed = measure_speed(inference, batch, log, settings.device, logger)
        except Exception as error:
            logger.error('%s at %d px failed', entry.name, size, exc_info=error)
            return EntryResult(entry.name, entry.source, error=in_one_line(error))
        store.save(entry.name, part, mark, speed)
    return EntryResult(entry.name, entry.source, speed=speed)


def write_sweep(sweep: dict[int, list[EntryResult]], settings: Settings) -> None:
    """Write ``speed.md`` for people and ``speed.json`` for programs.

    Args:
        sweep: Results of all entries for each size in pixels.
        settings: As for ``run_size_sweep``.
    """
    environment = describe_environment(settings.command, settings.device)
    facts = '\n'.join(f'- {key}: {value}' for key, value in environment.items())
    sections = [size_section(size, results, settings.reference) for size, results in sweep.items()]
    write_file(settings.out / 'speed.md', '\n\n'.join(['# Speed', facts, *sections]) + '\n')
    numbers = {
        size: {one.name: dict(error=one.error) if one.error else one.speed for one in results}
        for size, results in sweep.items()
    }
    content = dict(environment=environment, reference=settings.reference, sizes=numbers)
    write_file(settings.out / 'speed.json', json.dumps(content, indent=1) + '\n')


def size_section(size: int, results: Sequence[EntryResult], reference: str) -> str:
    """All tables of one size, and what failed there."""
    failed = '\n'.join(f'- **{one.name}** failed: {one.error}' for one in results if one.error)
    sections = [
        f'## {size} × {size} pixels',
        speed_section(results, reference, 'All rounds', '###'),
        round_speed_section(results, reference, 'By number of rounds', '###'),
        failed,
    ]
    return '\n\n'.join(section for section in sections if section)
