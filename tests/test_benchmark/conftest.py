"""Fixtures shared by the tests of the benchmark."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.benchmark.results import Benchmark, BenchmarkData, EntryResult, RunResult
from fbinpaint_mm.evaluation.score_series import ScoreSeries


@pytest.fixture
def cfg(repository) -> Config:
    """The config of a small inpaintor on four scenes, a new one for each test."""
    init_default_scope('mmagic')
    return Config.fromfile(repository / 'tests/test_benchmark/small_config.py')


@pytest.fixture(scope='session')
def fake_benchmark() -> Benchmark:
    """Plausible numbers of a benchmark that nobody ran; tests must not change it."""
    script = runpy.run_path(str(Path(__file__).with_name('fake_benchmark.py')))
    return script['make_fake_benchmark'](images=24)


@pytest.fixture(scope='session')
def fake_table(fake_benchmark) -> ScoreTable:
    """Its scores, over the default bins."""
    return ScoreTable(fake_benchmark)


@pytest.fixture(scope='session')
def make_series() -> Callable[..., ScoreSeries]:
    """Builds a series of given scores, by default of PSNR of images ``000.png``, ..."""

    def make(items, reduction: str = 'mean', **changes) -> ScoreSeries:
        items = np.asarray(items, dtype=float)
        settings = dict(
            metric='PSNR',
            round=None,
            samples=[f'{index:03d}.png' for index in range(len(items))],
            hole_areas=np.linspace(0.1, 0.6, len(items)),
            items=items,
            reduction=reduction,
        )
        return ScoreSeries(**{**settings, **changes})

    return make


@pytest.fixture(scope='session')
def benchmark_of(make_series) -> Callable[..., Benchmark]:
    """Builds a benchmark of one metric: entry -> one list of scores per seed; the first is first.

    The holes of the images grow evenly from 10 % to 60 %.
    """

    def make(metric: str = 'PSNR', higher: bool = True, **scores) -> Benchmark:
        settings = dict(metric=metric, higher_is_better=higher)
        entries = []
        for name, seeds in scores.items():
            runs = [
                RunResult(seed, None, [make_series(items, **settings)])
                for seed, items in enumerate(seeds)
            ]
            entries.append(EntryResult(name, f'{name}.py', runs))
        series = entries[0].runs[0].series[0]
        areas = series.hole_areas.tolist()
        data = BenchmarkData('demo.py', 'val', series.samples, areas, (48, 64), 'abc')
        protocol = {metric: dict(unit='dB', higher_is_better=higher)}
        return Benchmark(data, entries[0].name, entries, protocol, {})

    return make
