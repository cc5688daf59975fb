"""What a benchmark has to do within an equal budget, and what it did earlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.environment import describe_versions
from fbinpaint_mm.benchmark.result_folder import folder_content
from fbinpaint_mm.benchmark.results import RunResult
from fbinpaint_mm.benchmark.speed.measure_speed import SpeedMeter
from fbinpaint_mm.benchmark.training import Training, scale_training
from fbinpaint_mm.benchmark.workbench import Settings, Workbench
from fbinpaint_mm.fingerprint import (
    checkpoint_content,
    code_content,
    config_content,
    fingerprint,
)
from fbinpaint_mm.user_error import UserError, in_one_line

# What is equal, and the key in EntryResult.speed that says what one iteration spends of it.
COSTS = {
    'iterations': None,
    'seconds': 'training_seconds_per_iteration',
    'cpu_seconds': 'training_cpu_seconds_per_iteration',
    'flops': 'training_flops_per_iteration',
}


@dataclass(frozen=True)
class PlannedRun:
    """One model to score: an entry with one seed.

    Attributes:
        entry: The entry.
        fingerprint: Of all that its scores depend on.
        seed: ``None`` if the benchmark does not train it.
        training: How it is trained; ``None`` if it is not.
        saves_pictures: Whether its pictures are those of the entry: those of the first seed are.
    """

    entry: Entry
    fingerprint: str
    seed: int | None = None
    training: Training | None = None
    saves_pictures: bool = True

    @property
    def part(self) -> str:
        """Its name in the store."""
        return 'scores' if self.seed is None else f'scores_seed_{self.seed}'

    @property
    def checkpoint(self) -> str | None:
        """File or address of the weights that are scored; ``None`` for a model without any."""
        return self.entry.checkpoint if self.training is None else str(self.training.checkpoint)


def speed_of(bench: Workbench, entry: Entry) -> dict[str, Any]:
    """What ``EntryResult.speed`` describes.

    Args:
        bench: Its pairs surveyed.
        entry: The entry.

    Returns:
        The speed; empty for a folder of results or an entry that has failed, if it is not asked
        for, or if it cannot be measured, with a warning.
    """
    settings = bench.settings
    if not settings.speed or entry.is_folder or entry.name in bench.errors:
        return {}
    meter = SpeedMeter(settings.out, settings.device, bench.store, bench.logger)
    try:
        return meter.speed(entry, bench.pairs.first_batch(bench.labels_for(entry)))
    except Exception as error:
        bench.logger.warning('%s: speed not measured: %s', entry.name, in_one_line(error))
        return {}


def budget_of(settings: Settings) -> str:
    """The key of ``COSTS`` that is meant: on a CPU, seconds are those of the training process.

    So other processes on the machine do not change the number of iterations.
    """
    on_cpu = settings.equal == 'seconds' and settings.device == 'cpu'
    return 'cpu_seconds' if on_cpu else settings.equal


def plan_iterations(
    entries: Sequence[Entry],
    reference: str,
    iterations: int,
    equal: str,
    speeds: Mapping[str, Mapping[str, Any]],
) -> dict[str, int]:
    """Iterations of each entry that is trained, so that all spend the same.

    The cost is that of the model, its optimizers and ``MODEL_HOOKS`` of ``training_speed.py``, as
    measured before the training: loading data, writing checkpoints and other hooks are not in it.
    What a training really took is in ``RunResult.training``, all of that included, so the seconds
    there may differ between entries that were given the same.

    Args:
        entries: All entries.
        reference: Name of the entry that trains for ``iterations``; if it is not trained, the first
            one that is.
        iterations: Its number of iterations.
        equal: A key of ``COSTS``: what the others spend as much of.
        speeds: ``EntryResult.speed`` of each entry by name.

    Returns:
        Iterations by name, at least 1. An entry whose cost was not measured is missing.
    """
    names = [entry.name for entry in entries if entry.is_trained]
    key = COSTS[equal]
    if key is None:
        return dict.fromkeys(names, iterations)
    costs = {name: speeds.get(name, {}).get(key) for name in names}
    base = costs.get(reference if reference in names else names[0])
    if not base:
        return {}
    return {name: max(1, round(iterations * base / cost)) for name, cost in costs.items() if cost}


def plan_runs(
    bench: Workbench, speeds: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[PlannedRun]]:
    """The runs of every entry: one for each seed, or a single one if it is not trained.

    Args:
        bench: Its pairs surveyed.
        speeds: ``EntryResult.speed`` by name.

    Returns:
        Runs by name. An entry that cannot be planned has none; its failure is noted.
    """
    settings = bench.settings
    iterations: dict[str, int] = {}
    if settings.iterations is not None:
        iterations = plan_iterations(
            bench.entries, settings.reference, settings.iterations, budget_of(settings), speeds
        )
    plans: dict[str, list[PlannedRun]] = {}
    for entry in bench.entries:
        plans[entry.name] = []
        if entry.name in bench.errors:
            continue
        try:
            plans[entry.name] = runs_of(bench, entry, iterations.get(entry.name))
        except Exception as error:
            bench.note_failure(entry, error)
    return plans


def runs_of(bench: Workbench, entry: Entry, iterations: int | None) -> list[PlannedRun]:
    """The runs of one entry.

    Raises:
        UserError: It is to be trained, and nothing says for how long.
    """
    if not entry.is_trained:
        if entry.is_folder:
            content: Any = folder_content(Path(entry.source))
        else:
            weights = checkpoint_content(entry.checkpoint or entry.onnx_file)
            content = [config_content(entry.cfg), weights]
        return [PlannedRun(entry, score_fingerprint(bench, content))]
    equal = bench.settings.equal
    if iterations is None:
        raise UserError(
            f'{COSTS[budget_of(bench.settings)]} was not measured, so there is no budget of equal '
            f'{equal}; see the warnings about speed in the log, or use --equal iterations'
        )
    return [training_run(bench, entry, iterations, seed) for seed in bench.settings.seeds]


def training_run(bench: Workbench, entry: Entry, iterations: int, seed: int) -> PlannedRun:
    """One training of an entry, and the scores of what it gives."""
    settings = bench.settings
    training = Training(
        scale_training(entry.cfg, iterations, seed),
        settings.out / 'training' / entry.name / f'seed_{seed}',
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


def recall(bench: Workbench, run: PlannedRun) -> RunResult | None:
    """What an earlier call found of a run, if its pictures are there too."""
    name = run.entry.name
    stored = bench.store.load(name, run.part, run.fingerprint)
    if stored is None or (run.saves_pictures and not bench.pictures.are_of(name, run.fingerprint)):
        return None
    bench.logger.info('%s: %s measured earlier, reused', name, run.part.replace('_', ' '))
    return RunResult.from_dict(stored)
