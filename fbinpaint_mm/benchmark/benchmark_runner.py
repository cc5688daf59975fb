"""Measures the entries of a benchmark one after the other."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from tqdm import tqdm

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.environment import describe_environment
from fbinpaint_mm.benchmark.metric_setup import build_metrics
from fbinpaint_mm.benchmark.planned_run import PlannedRun
from fbinpaint_mm.benchmark.planning import plan_runs, speed_of
from fbinpaint_mm.benchmark.report.report_markdown import summary_line
from fbinpaint_mm.benchmark.results import Benchmark, EntryResult, RunResult
from fbinpaint_mm.benchmark.scoring import build_model, score_model
from fbinpaint_mm.benchmark.training.training import describe_starts
from fbinpaint_mm.benchmark.workbench import Workbench
from fbinpaint_mm.evaluation.protocol import protocol_of
from fbinpaint_mm.fingerprint import starting_checkpoints


class BenchmarkRunner:
    """Measures speed, trains where asked, scores, and keeps what is finished.

    Whatever goes wrong with an entry is logged and reported; the others go on. An interruption by
    the user ends it at once; a second call with the same settings goes on from there.

    Args:
        bench: Entries, data, settings, and where results are kept.
    """

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    def run(self) -> Benchmark:
        """Measure everything.

        Returns:
            All results; ``EntryResult.error`` says which entries failed.

        Raises:
            ValueError: The data cannot be used for a benchmark.
            FileNotFoundError: A metric does not find its weights.
        """
        bench = self.bench
        protocol = self._protocol()
        data = bench.pairs.survey(bench.pictures)
        bench.logger.info(
            '%d images of %s, %s, SHA-256 %s',
            len(data.samples),
            data.config,
            data.split,
            data.sha256,
        )
        speeds = {entry.name: speed_of(bench, entry) for entry in bench.entries}
        return Benchmark(
            data=data,
            reference=bench.settings.reference,
            entries=self._run_all(plan_runs(bench, speeds), speeds),
            protocol=protocol,
            environment=describe_environment(bench.settings.command, bench.settings.device),
        )

    def _protocol(self) -> dict[str, dict[str, Any]]:
        """What every metric measures; also loads their weights, before anything takes long."""
        protocol: dict[str, dict[str, Any]] = {}
        for metric in build_metrics(self.bench.metrics):
            protocol.update(protocol_of(metric))
        return protocol

    def _run_all(
        self, plans: dict[str, list[PlannedRun]], speeds: dict[str, dict[str, Any]]
    ) -> list[EntryResult]:
        """Results of all entries, in order; each is summarised in the log when it is there."""
        results: dict[str, EntryResult] = {}
        total = self._images([run for runs in plans.values() for run in runs])
        # Nothing is left to do when everything was measured earlier.
        with tqdm(total=total, unit='image', dynamic_ncols=True, disable=total == 0) as bar:
            for entry in self.bench.entries:
                bar.set_description(entry.name)
                runs = self._run_entry(entry, plans[entry.name], bar)
                add_flops(runs, speeds[entry.name])
                error = self.bench.errors.get(entry.name)
                starts = describe_starts(entry.cfg) if entry.is_trained else []
                result = EntryResult(
                    entry.name, entry.source, runs, speeds[entry.name], error, starts
                )
                results[entry.name] = result
                reference = results.get(self.bench.settings.reference)
                self.bench.logger.info('%s', summary_line(result, reference))
        return list(results.values())

    def _images(self, runs: Sequence[PlannedRun]) -> int:
        """Images that are still to be inpainted."""
        return len(self.bench.pairs) * sum(run.result is None for run in runs)

    def _run_entry(self, entry: Entry, plan: Sequence[PlannedRun], bar: tqdm) -> list[RunResult]:
        """Results of all seeds, or of those before one that fails."""
        runs: list[RunResult] = []
        end = bar.n + self._images(plan)
        try:
            for planned in plan:
                runs.append(planned.result or self._execute(planned, bar))
        except Exception as error:
            self.bench.note_failure(entry, error)
            bar.update(end - bar.n)
        return runs

    def _execute(self, planned: PlannedRun, bar: tqdm) -> RunResult:
        """Train, score and keep one run."""
        bench, entry = self.bench, planned.entry
        spent = {} if planned.training is None else self._train(planned)
        model = build_model(entry, planned.checkpoint, bench.settings.device)
        save = None
        if planned.saves_pictures:
            bench.pictures.clear(entry.name)
            save = partial(bench.pictures.save, entry.name)
        scores = score_model(model, bench.pairs, build_metrics(bench.metrics), save, bar.update)
        del model
        free_memory(bench.settings.device)
        if planned.saves_pictures:
            bench.pictures.sign(entry.name, planned.fingerprint)
        environment = describe_environment(bench.settings.command, bench.settings.device)
        result = RunResult(planned.seed, planned.checkpoint, *scores, spent, environment)
        bench.store.save(entry.name, planned.part, planned.fingerprint, result.to_dict())
        return result

    def _train(self, planned: PlannedRun) -> dict[str, float]:
        """Train with a bar of its own."""
        training, name = planned.training, f'{planned.entry.name}, training, seed {planned.seed}'
        starts = ''.join(f', from {path}' for path in starting_checkpoints(training.cfg))
        self.bench.logger.info(
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


def add_flops(runs: Sequence[RunResult], speed: dict[str, Any]) -> None:
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
