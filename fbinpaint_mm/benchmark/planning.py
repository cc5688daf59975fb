"""What a benchmark has to do, and what it did earlier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.environment import describe_machine, describe_versions
from fbinpaint_mm.benchmark.planned_run import PlannedRun
from fbinpaint_mm.benchmark.results import RunResult
from fbinpaint_mm.benchmark.speed.measure_speed import measure_speed
from fbinpaint_mm.benchmark.speed.training_speed import can_train
from fbinpaint_mm.benchmark.training.training import Training
from fbinpaint_mm.benchmark.training.training_budget import COSTS, plan_iterations
from fbinpaint_mm.benchmark.training.training_schedule import scale_training
from fbinpaint_mm.benchmark.workbench import Workbench
from fbinpaint_mm.fingerprint import (
    checkpoint_content,
    code_content,
    config_content,
    fingerprint,
)
from fbinpaint_mm.user_error import in_one_line

SPEED = 'speed'


def speed_of(bench: Workbench, entry: Entry) -> dict[str, Any]:
    """Measured now or earlier, on the same machine.

    Args:
        bench: Its pairs surveyed.
        entry: The entry.

    Returns:
        What ``EntryResult.speed`` describes; empty if it is not asked for or failed, with a
        warning.
    """
    settings, logger = bench.settings, bench.logger
    if not settings.speed:
        return {}
    machine = describe_machine(settings.device)
    mark = fingerprint(config_content(entry.cfg), machine, bench.pairs.data.size, code_content())
    stored = bench.store.load(entry.name, SPEED, mark)
    if stored is not None:
        logger.info('%s: speed measured earlier, reused', entry.name)
        return stored
    logger.info('%s: measuring speed', entry.name)
    folder = settings.out / SPEED / entry.name
    try:
        speed = measure_speed(entry, bench.pairs.first_batch(), folder, settings.device, logger)
    except Exception as error:
        logger.warning('%s: speed not measured: %s', entry.name, in_one_line(error))
        return {}
    # What could not be measured is tried again next time.
    if COSTS['seconds'] in speed or not can_train(entry.cfg):
        bench.store.save(entry.name, SPEED, mark, speed)
    return speed


def plan_runs(
    bench: Workbench, speeds: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[PlannedRun]]:
    """The runs of every entry: one for each seed, or a single one if it is not trained.

    Args:
        bench: Its pairs surveyed.
        speeds: ``EntryResult.speed`` by name.

    Returns:
        Runs by name, those that were finished earlier with their results. An entry that cannot be
        planned has none; its failure is noted.
    """
    settings, iterations = bench.settings, {}
    if settings.iterations is not None:
        iterations = plan_iterations(
            bench.entries, settings.reference, settings.iterations, settings.equal, speeds
        )
    plans: dict[str, list[PlannedRun]] = {}
    for entry in bench.entries:
        try:
            runs = runs_of(bench, entry, iterations.get(entry.name))
            plans[entry.name] = [recall(bench, run) for run in runs]
        except Exception as error:
            plans[entry.name] = []
            bench.note_failure(entry, error)
    return plans


def runs_of(bench: Workbench, entry: Entry, iterations: int | None) -> list[PlannedRun]:
    """The runs of one entry, nothing yet said of earlier results.

    Raises:
        ValueError: It is to be trained, and nothing says for how long.
    """
    if not entry.is_trained:
        content = [config_content(entry.cfg), checkpoint_content(entry.checkpoint)]
        return [PlannedRun(entry, score_fingerprint(bench, content))]
    equal = bench.settings.equal
    if iterations is None:
        raise ValueError(
            f'{COSTS[equal]} was not measured, so there is no budget of equal {equal}; see the '
            'warnings about speed in the log, or use --equal iterations'
        )
    return [training_run(bench, entry, iterations, seed) for seed in bench.settings.seeds]


def training_run(bench: Workbench, entry: Entry, iterations: int, seed: int) -> PlannedRun:
    """One training of an entry, and the scores of what it gives."""
    settings = bench.settings
    training = Training(
        scale_training(entry.cfg, iterations, seed),
        settings.out / 'training' / entry.name / f'seed_{seed}',
        settings.train_tool,
        settings.device,
    )
    mark = score_fingerprint(bench, training.fingerprint)
    return PlannedRun(entry, mark, seed, training, saves_pictures=seed == settings.seeds[0])


def score_fingerprint(bench: Workbench, model: Any) -> str:
    """Of all that scores depend on, given all that the model depends on."""
    loader = config_content(bench.data_cfg).get(f'{bench.settings.split}_dataloader')
    return fingerprint(
        model,
        loader,
        bench.pairs.data.sha256,
        bench.metrics,
        bench.settings.device,
        describe_versions(),
        code_content(),
    )


def recall(bench: Workbench, run: PlannedRun) -> PlannedRun:
    """The run with its result, if that is known and its pictures are there."""
    name = run.entry.name
    stored = bench.store.load(name, run.part, run.fingerprint)
    if stored is None:
        return run
    if run.saves_pictures and not bench.pictures.has_all(
        name, bench.pairs.data.samples, run.fingerprint
    ):
        return run
    bench.logger.info('%s: %s measured earlier, reused', name, run.part.replace('_', ' '))
    return replace(run, result=RunResult.from_dict(stored))
