"""A whole benchmark, from its entries to the files that it leaves behind."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from tqdm import tqdm

from fbinpaint_mm.benchmark.entry import RESERVED_NAMES, Entry
from fbinpaint_mm.benchmark.environment import describe_environment
from fbinpaint_mm.benchmark.metric_setup import build_metrics
from fbinpaint_mm.benchmark.pairs import Labels
from fbinpaint_mm.benchmark.planning import PlannedRun, plan_runs, recall, speed_of
from fbinpaint_mm.benchmark.report.report_markdown import count_images, summary_line
from fbinpaint_mm.benchmark.report.result_table import check_columns
from fbinpaint_mm.benchmark.report.write_all import write_all
from fbinpaint_mm.benchmark.result_folder import HOLE_LIST, check_holes, check_results
from fbinpaint_mm.benchmark.results import Benchmark, EntryResult, RunResult
from fbinpaint_mm.benchmark.scoring import build_model, score_model
from fbinpaint_mm.benchmark.trained_with import describe_training
from fbinpaint_mm.benchmark.training import Training, describe_starts
from fbinpaint_mm.benchmark.workbench import LOG, Settings, Workbench, open_log
from fbinpaint_mm.evaluation.protocol import protocol_of
from fbinpaint_mm.fingerprint import starting_checkpoints


def run_benchmark(
    entries: Sequence[Entry], data_cfg: Config, data_config: str, settings: Settings
) -> int:
    """Measure, and write tables, plots and contact sheets.

    Needs the default scope 'mmagic' (``mmengine.registry.init_default_scope``).

    Args:
        entries: With their configs.
        data_cfg: Config with the data set and its evaluator.
        data_config: Its path.
        settings: What the command line says besides.

    Returns:
        Number of entries that failed.

    Raises:
        UserError: The data, or a folder of results, cannot be used for a benchmark, or pictures of
            others are in the way.
        FileNotFoundError: A metric does not find its weights.
    """
    with open_log(settings.out / LOG) as logger:
        bench = Workbench(entries, data_cfg, data_config, settings, logger)
        choice = (settings.columns, settings.latex, settings.figures)
        write_all(measure_all(bench), settings.out, bench.pictures.load, *choice)
        logger.info('Report: %s', settings.out / 'results.md')
        # Once more at the end, where it is seen.
        for name, reason in bench.errors.items():
            logger.warning('%s failed: %s', name, reason)
    return len(bench.errors)


def measure_all(bench: Workbench) -> Benchmark:
    """Measure speed, train where asked, score, and keep what is finished.

    Whatever goes wrong with an entry is logged and reported; the others go on. An interruption by
    the user ends it at once; a second call with the same settings goes on from there.

    Args:
        bench: Entries, data, settings, and where results are kept.

    Returns:
        All results; ``EntryResult.error`` says which entries failed.

    Raises:
        UserError: The data, or a folder of results, cannot be used for a benchmark, or pictures of
            others are in the way.
        FileNotFoundError: A metric does not find its weights.
    """
    # Also loads the weights of the metrics, before anything takes long.
    protocols = [protocol_of(metric) for metric in build_metrics(bench.metrics)]
    check_columns(bench.settings.columns, protocols)
    for name in (*RESERVED_NAMES, *(entry.name for entry in bench.entries)):
        bench.pictures.check(name)
    data = bench.pairs.survey(bench.pictures)
    for entry in bench.entries:
        if entry.is_folder:
            check_folder(bench, entry)
    facts = (count_images(data), data.config, data.split, data.sha256)
    bench.logger.info('%s of %s, %s, SHA-256 %s', *facts)
    bench.compare_classes()
    speeds = {entry.name: speed_of(bench, entry) for entry in bench.entries}
    return Benchmark(
        data=data,
        reference=bench.settings.reference,
        entries=run_entries(bench, plan_runs(bench, speeds), speeds),
        protocol={name: facts for protocol in protocols for name, facts in protocol.items()},
        environment=describe_environment(bench.settings.command, bench.settings.device),
        other_classes=bench.other_classes,
    )


def check_folder(bench: Workbench, entry: Entry) -> None:
    """Refuse results of other images or holes than those of the data, as far as can be told.

    Raises:
        UserError: See ``check_results`` and ``check_holes``.
    """
    folder = Path(entry.source)
    check_results(folder, bench.pairs.sizes, is_subset=bench.settings.max_images is not None)
    if not check_holes(folder, bench.pairs.hashes):
        text = '%s: for a check of the holes, copy %s of export_holes.py into %s'
        bench.logger.info(text, entry.name, HOLE_LIST, folder)


def run_entries(
    bench: Workbench,
    plans: Mapping[str, Sequence[PlannedRun]],
    speeds: Mapping[str, dict[str, Any]],
) -> list[EntryResult]:
    """Results of all entries, in order; scores are summarized in the log when they are there.

    Args:
        bench: Its pairs surveyed.
        plans: The runs of each entry, by name.
        speeds: ``EntryResult.speed`` by name.
    """
    results: list[EntryResult] = []
    total = len(bench.pairs) * sum(map(len, plans.values()))
    with tqdm(total=total, unit='image', dynamic_ncols=True) as bar:
        for entry in bench.entries:
            bar.set_description(entry.name)
            runs = run_entry(bench, entry, plans[entry.name], bar)
            add_flops(runs, speeds[entry.name])
            error = bench.errors.get(entry.name)
            starts = describe_starts(entry.cfg) if entry.is_trained else []
            trained = describe_training(entry, plans[entry.name], bench.logger) if runs else {}
            speed = speeds[entry.name]
            result = EntryResult(entry.name, entry.source, runs, speed, error, starts, trained)
            results.append(result)
            if runs:
                bench.logger.info('%s', summary_line(result))
    return results


def run_entry(
    bench: Workbench, entry: Entry, plan: Sequence[PlannedRun], bar: tqdm
) -> list[RunResult]:
    """Results of all seeds, or of those before one that fails."""
    if not plan:
        return []
    runs: list[RunResult] = []
    end = bar.n + len(bench.pairs) * len(plan)
    try:
        labels = bench.labels_for(entry)
        for planned in plan:
            runs.append(recall(bench, planned) or execute(bench, planned, bar, labels))
    except Exception as error:
        bench.note_failure(entry, error)
    bar.update(end - bar.n)  # images of runs that were found or failed
    return runs


def execute(bench: Workbench, planned: PlannedRun, bar: tqdm, labels: Labels) -> RunResult:
    """Train, score and keep one run."""
    entry, device = planned.entry, bench.settings.device
    spent = {} if planned.training is None else train(bench, planned, planned.training)
    model = build_model(entry, planned.checkpoint, device)
    save = None
    if planned.saves_pictures:
        bench.pictures.clear(entry.name)
        save = partial(bench.pictures.save, entry.name)
    metrics = build_metrics(bench.metrics)
    scores = score_model(model, bench.pairs, metrics, save, bar.update, labels)
    del model
    free_memory(device)
    if planned.saves_pictures:
        bench.pictures.sign(entry.name, planned.fingerprint)
    environment = describe_environment(bench.settings.command, device)
    result = RunResult(planned.seed, planned.checkpoint, *scores, spent, environment)
    bench.store.save(entry.name, planned.part, planned.fingerprint, result.to_dict())
    return result


def train(bench: Workbench, planned: PlannedRun, training: Training) -> dict[str, float]:
    """Train with a bar of its own."""
    name = f'{planned.entry.name}, training, seed {planned.seed}'
    starts = ''.join(f', from {path}' for path in starting_checkpoints(training.cfg))
    bench.logger.info(
        '%s: %d iterations%s, in %s', name, training.iterations, starts, training.folder
    )
    with tqdm(
        total=training.iterations,
        initial=training.done,
        unit='it',
        desc=name,
        leave=False,
        dynamic_ncols=True,
    ) as bar:
        return training.run(lambda iteration: bar.update(iteration - bar.n))


def add_flops(runs: Sequence[RunResult], speed: Mapping[str, Any]) -> None:
    """Say what the trainings spent, where the cost of an iteration is known."""
    cost = speed.get('training_flops_per_iteration')
    for run in runs:
        if run.training and cost:
            run.training['flops'] = run.training['iterations'] * cost


def free_memory(device: str) -> None:
    """Give back what a model held on a GPU, before the next one comes."""
    if torch.device(device).type == 'cuda':
        gc.collect()  # models and their hooks refer to each other
        torch.cuda.empty_cache()
