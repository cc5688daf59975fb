from itertools import cycle
from statistics import median
from types import SimpleNamespace

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.speed import training_speed
from fbinpaint_mm.benchmark.speed.stopwatch import Stopwatch
from fbinpaint_mm.benchmark.speed.training_speed import (
    can_train,
    load_training_batches,
    measure_training,
)

MEMORY = SimpleNamespace(restart=lambda: None, bytes=lambda: 456)


@pytest.fixture
def cfg(repository):
    init_default_scope('mmagic')
    return Config.fromfile(repository / 'tests/test_benchmark/small_config.py')


def test_batches_are_those_of_the_training(cfg):
    cfg.train_dataloader.update(num_workers=3, persistent_workers=True, prefetch_factor=2)
    batches = load_training_batches(cfg)
    assert [len(batch['inputs']) for batch in batches] == [2, 2]
    assert cfg.train_dataloader.num_workers == 3


def test_what_an_iteration_costs(cfg):
    batches = load_training_batches(cfg)
    kept = [batch['inputs'][0].clone() for batch in batches]
    model = MODELS.build(cfg.model)
    numbers = measure_training(model, cfg, batches, Stopwatch(warm_up=0, repeats=1), MEMORY)
    assert sorted(numbers) == [
        'parameters_trained',
        'training_flops_per_iteration',
        'training_peak_memory',
        'training_seconds_per_iteration',
    ]
    assert numbers['training_peak_memory'] == 456
    assert numbers['training_seconds_per_iteration'] > 0
    assert all(torch.equal(one['inputs'][0], two) for one, two in zip(batches, kept, strict=True))
    larger = [{key: value * 2 for key, value in batch.items()} for batch in batches]
    flops = measure_training(
        MODELS.build(cfg.model), cfg, larger, Stopwatch(warm_up=0, repeats=1), MEMORY
    )['training_flops_per_iteration']
    assert flops > 1.5 * numbers['training_flops_per_iteration']


class Probe:
    """Has two phases; counts what was spent."""

    def __init__(self, period=1, costs=(0,)):
        self.period = period
        self.costs = cycle(costs)
        self.phase = None
        self.spent = 0

    def phases(self):
        return [(0, 0.25), (10, 0.75)]

    def enter(self, begin):
        self.phase = begin

    def __call__(self, *batches):
        for _ in batches:
            self.spent += next(self.costs)

    def count_parameters(self):
        return 5

    def cost_of(self, *batches):
        before = self.spent
        self(*batches)
        return self.spent - before


def test_phases_count_by_their_share(monkeypatch):
    monkeypatch.setattr(training_speed, 'TrainingProbe', lambda *_: Probe())
    monkeypatch.setattr(training_speed, 'count_flops', lambda call, batch: 100 + call.phase)
    watch = SimpleNamespace(median=lambda call, prepare: 2.0 + call.phase)
    numbers = measure_training(None, None, [{}], watch, MEMORY)
    assert numbers['training_seconds_per_iteration'] == 0.25 * 2 + 0.75 * 12
    assert numbers['training_flops_per_iteration'] == 0.25 * 100 + 0.75 * 110


@pytest.mark.parametrize(('period', 'costs'), [(2, (14, 27)), (3, (1, 1, 7))])
def test_an_alternating_cost_is_averaged_over_its_period(monkeypatch, period, costs):
    monkeypatch.setattr(training_speed, 'TrainingProbe', lambda *_: Probe(period, costs))
    monkeypatch.setattr(training_speed, 'count_flops', Probe.cost_of)

    def median_of_seven(call, prepare):
        return median(call.cost_of(*prepare()) for _ in range(7))

    watch = SimpleNamespace(median=median_of_seven)
    numbers = measure_training(None, None, [{}], watch, MEMORY)
    mean = sum(costs) / period
    assert numbers['training_seconds_per_iteration'] == mean
    assert numbers['training_flops_per_iteration'] == mean


def test_a_config_without_training(cfg):
    assert can_train(cfg)
    cfg.train_dataloader = None
    assert not can_train(cfg)
    assert not can_train(Config(dict(model=dict(type='ClassicalInpaintor'))))
