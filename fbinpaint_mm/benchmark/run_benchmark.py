"""A whole benchmark, from its entries to the files that it leaves behind."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.config import Config

from fbinpaint_mm.benchmark.benchmark_log import open_log
from fbinpaint_mm.benchmark.benchmark_runner import BenchmarkRunner
from fbinpaint_mm.benchmark.earlier_report import scored_entries, warn_of_left_out
from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.report.write_all import write_all
from fbinpaint_mm.benchmark.results import Benchmark
from fbinpaint_mm.benchmark.settings import Settings
from fbinpaint_mm.benchmark.workbench import Workbench


def run_benchmark(
    entries: Sequence[Entry], data_cfg: Config, data_config: str, settings: Settings
) -> int:
    """Measure, and write tables, plots and contact sheets.

    If no entry has scores, an earlier report with scores is kept.

    Needs the default scope 'mmagic' (``mmengine.registry.init_default_scope``).

    Args:
        entries: With their configs.
        data_cfg: Config with the data set and its evaluator.
        data_config: Its path.
        settings: What the command line says besides.

    Returns:
        Number of entries that failed.

    Raises:
        ValueError: The data cannot be used for a benchmark.
        FileNotFoundError: A metric does not find its weights.
    """
    with open_log(settings.out / 'benchmark.log') as logger:
        bench = Workbench.set_up(entries, data_cfg, data_config, settings, logger)
        warn_of_left_out(settings.out / 'results.json', entries, logger)
        write_report(bench, BenchmarkRunner(bench).run())
        log_failures(bench)
    return len(bench.errors)


def write_report(bench: Workbench, benchmark: Benchmark) -> None:
    """Write all files, unless nothing has scores and an earlier report has some."""
    out = bench.settings.out
    has_scores = any(entry.runs for entry in benchmark.entries)
    if not has_scores and scored_entries(out / 'results.json'):
        bench.logger.warning('no entry has scores; the earlier report in %s is kept', out)
        return
    write_all(benchmark, out, bench.pictures.load)
    bench.logger.info('Report: %s', out / 'results.md')


def log_failures(bench: Workbench) -> None:
    """Say at the end, where it is seen, which entries failed and why."""
    if bench.errors:
        bench.logger.warning('%d of %d entries failed:', len(bench.errors), len(bench.entries))
    for name, reason in bench.errors.items():
        bench.logger.warning('%s: %s', name, reason)
