"""A whole benchmark, from its entries to the files that it leaves behind."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.config import Config

from fbinpaint_mm.benchmark.benchmark_log import open_log
from fbinpaint_mm.benchmark.benchmark_runner import BenchmarkRunner
from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.report.write_all import write_all
from fbinpaint_mm.benchmark.settings import Settings
from fbinpaint_mm.benchmark.workbench import Workbench


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
        ValueError: The data cannot be used for a benchmark.
        FileNotFoundError: A metric does not find its weights.
    """
    with open_log(settings.out / 'benchmark.log') as logger:
        bench = Workbench.set_up(entries, data_cfg, data_config, settings, logger)
        benchmark = BenchmarkRunner(bench).run()
        write_all(benchmark, settings.out, bench.pictures.load)
        if bench.errors:
            logger.warning('%d of %d entries failed', len(bench.errors), len(entries))
        logger.info('Report: %s', settings.out / 'results.md')
    return len(bench.errors)
